"""The offline page (离线核验页): genuine or not, without the server."""
