"""The staff console (老师工作台): server-rendered pages for counsellors and the employment office."""
