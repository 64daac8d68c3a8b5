"""The review page: a small web server on the loopback address, in a process of its own."""
