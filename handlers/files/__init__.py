"""The door to the file check (文件核验): is this file as the school signed it, and what does the register say?"""
