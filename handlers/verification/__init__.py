"""The door of the receiving departments (档案、户籍接收部门)."""
