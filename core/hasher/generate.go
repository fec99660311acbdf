package hasher

//go:generate go run -C _gen ./arm64 -out ..
//go:generate go run -C _gen ./wasm -out ../kernel/kernel.wasm
//go:generate go run -C _gen ./scrypt
//go:generate go run -C _gen ./sha256d
