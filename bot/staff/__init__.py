"""Staff (工作人员): who they are, what each may do and see, and the log of what they did."""
