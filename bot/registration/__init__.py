"""The registration (毕业去向登记): who the graduate is and what is registered about them; the rules N1 to N19."""
