"""The key list (密钥清单): what anybody needs to tell a genuine report offline, signed by the root key."""
