pytest_plugins = ["tests.servers.fixtures", "tests.stores"]
