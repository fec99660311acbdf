// Package core joins what mining needs: a Session takes jobs from a pool, has
// them hashed by an engine, and gives the shares back. Screens read its Snapshot.
//
// It keeps no wallet and no key, shows nothing, and starts nothing by itself:
// whoever opens a Session says which pool, which account and how much of the
// machine. "Shared core" means this folder and the folder wallet: both are
// compiled into the desktop program, the terminal program and the web page.
//
// # The map
//
//	app/                   the desktop program: wiring only
//	  desk/                joins core, wallet and vault once, for window and terminal
//	    config/            the settings file, config.toml
//	    home/              the household's gateway: page, Stratum, invitations, on this machine's addresses
//	    purse/             the person's wallets, kept open and in step for a screen
//	    api/               what programs on this machine may ask: HTTP, metrics
//	  ui/                  screens and widgets; reads Snapshot, calls desk
//	  cli/                 the program goldpan: the same core without a window, no cgo
//	wasm/                  the page's control worker (js)
//	  wallet/              the page's wallet, in a worker of its own (js);
//	                       wallet/counter, the calls of the page to it
//	  web/                 the page, and package web, which serves it;
//	                       web/browsertest drives browsers, web/bench measures in them
//	core/                  Session and Snapshot; RATIONALE.md, THREATS.md
//	  coin/                what a coin is: algorithm, addresses, emission; pools;
//	                       coin/cointest, for tests
//	  hasher/              Work in, Hits out: reference hashes and kernels;
//	                       hasher/kernel, the page's kernel
//	  jsonrpc/             lines and messages within bounds, for Stratum and Electrum;
//	                       TLS, pins, proxies
//	  disk/                locks on folders, for what has a disk
//	  seal/                passphrase → file key → sealed bytes; atomic files
//	  vardiff/             the difficulty that suits a miner's speed
//	  pow/                 Job, Header, Target, Difficulty, Share; no I/O
//	  stratum/             message codec, client, several pools in order, server side
//	  template/            solo mining on the user's own node: templates, coinbase, blocks
//	  engine/              lanes, epochs, share check, the rules that govern them;
//	                       engine/machine, what the computer tells of itself
//	  watch/               hash rate, what the shares imply, luck
//	  invite/              what a device and its gateway prove to each other;
//	                       invite/knock, the device's part over a connection
//	  gateway/             one connection to a pool, many devices at home
//	  gateway/accounts/    what each device at home has done, on disk
//	  gateway/load/        fills a gateway with devices, and measures it
//	  practice/            the embedded practice network: chain, pool, wallet server
//	wallet/                accounts, balances, history, backups
//	  hd/                  words, keys, descriptors, addresses
//	  label/ uri/          labels as other wallets write them; payment links
//	  tx/                  payments: which coins, which fee; signed and checked
//	  electrum/            the light client; electrum/message, its messages;
//	                       electrum/electrumtest, a server for tests
//	vault/                 Store, Vault, audit, Broker and signers: secrets that are used,
//	                       not read
//	  keyring/ sealed/     the system's keyring; an encrypted file
//	  exchange/            accounts at exchanges: permissions, balances, deposit
//	                       addresses; exchange/fake, exchanges and pools for tests
//	  poolapi/             what pools count: hash rate, workers, earnings
//	  limit/ policy/       how often providers are asked; what a key may be able to do
//	  reply/               answers of providers: JSON within bounds, decimal amounts
//	  vaulttest/           what every store must do; a search for secrets
//	assets/                the look, the mark, licences, translations
//	  presets/             coins and pools as data files, which core/coin reads
//
// Planned, and not there yet: core/economy, core/ledger.
//
// # Who may import whom
//
//	coin, disk, hasher, jsonrpc, invite, seal, vardiff   leaves: all may import them
//	hasher ← pow ← stratum, engine, template, watch ← core
//	wallet   leaves and pow
//	vault    leaves
//	app/desk joins core, wallet and vault, which do not know each other
//
// stratum and engine never import each other: Session joins them. The tests in
// imports_test.go hold all of it for every system, with the reason of each ban.
package core
