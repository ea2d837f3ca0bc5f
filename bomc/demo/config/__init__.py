"""The demo operator's configuration as templates: `$console_port`, `$shop_port` and `$status_port` are filled in."""
