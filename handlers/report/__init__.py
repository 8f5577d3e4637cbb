"""The door to the report (去向登记信息核验报告): document, QR code and pages."""
