"""Controls: what is reconciled, one YAML file each, and the equations among them."""
