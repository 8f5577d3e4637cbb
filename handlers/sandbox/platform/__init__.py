"""The platform's API (微信公众平台接口), as api.weixin.qq.com answers it, below ``/sandbox/platform/cgi-bin/``."""
