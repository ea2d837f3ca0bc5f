"""The console: pages that read through `queries`, and the server that lets only the right people see them."""
