"""The roster (毕业生名册): what the school's file means, row by row; the same headings go out and come back."""
