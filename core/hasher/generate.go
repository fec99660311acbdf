package hasher

//go:generate go run -C _gen ./arm64 -out ..
