"""The ground floor: the words everybody uses, configuration, the store, people and money. Imports nothing of ours."""
