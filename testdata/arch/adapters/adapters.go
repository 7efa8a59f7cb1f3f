package adapters

const Name = "adapters"
