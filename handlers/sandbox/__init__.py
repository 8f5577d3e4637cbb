"""A local WeChat and a local CHSI (沙箱), for the demo and the tests; imports nothing of ours."""
