# Build, test and install Coracle. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
# Which C library the static binary is built with: musl where it can be had, else gnu (glibc).
LIBC ?= $(shell .ci/static which)
BINARY = target/static/$(LIBC)/coracle
INSTALL = install -D

.PHONY: all static-gnu static-musl install check test demo bench test-vm clean help

all: static-$(LIBC) ## build the static binary (target/coracle)
	ln -sf static/$(LIBC)/coracle target/coracle

static-gnu: ## build it with glibc
	.ci/packages build
	.ci/static gnu

static-musl: ## build it with musl, installing the distribution's recipe if rustup has no musl target
	.ci/packages musl
	.ci/static musl

install: all ## install binary, man pages, completions and units below $(DESTDIR)$(PREFIX)
	$(INSTALL) -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/coracle
	for page in man/*.[1-8]; do \
		[ -e "$$page" ] || continue; \
		$(INSTALL) -m 644 "$$page" "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}" || exit; \
	done
	for kind in system user; do \
		sed 's|/usr/local/bin|$(PREFIX)/bin|' systemd/$$kind/coracle-restart.service | \
			$(INSTALL) -m 644 /dev/stdin "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/coracle-restart.service" || exit; \
	done
	[ ! -e completions/coracle.bash ] || $(INSTALL) -m 644 completions/coracle.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/coracle
	[ ! -e completions/_coracle ] || $(INSTALL) -m 644 completions/_coracle $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_coracle
	[ ! -e completions/coracle.fish ] || $(INSTALL) -m 644 completions/coracle.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/coracle.fish

check: ## format, lints as errors, unit tests, layering, documents in step
	.ci/packages build
	cargo fmt --check
	cargo clippy --locked --all-targets --quiet -- -D warnings
	cargo test --locked --quiet --lib --bins
	cargo test --locked --quiet --test layering $(patsubst tests/%.rs,--test %,$(wildcard tests/docs.rs))

test: ## all tests, as root and as an ordinary user
	.ci/packages test
	LIBC=$(LIBC) .ci/test

demo: ## build and run a container from nothing, offline
	.ci/packages demo
	$(MAKE) --no-print-directory all
	target/coracle run --rm hello

bench: ## start-up, scale and unpacking beside the peers
	.ci/packages bench
	$(MAKE) --no-print-directory all
	benches/run

test-vm: ## what only a whole machine can show: limits, systemd, boot
	.ci/packages vm
	$(MAKE) --no-print-directory all
	tests/vm/all

clean: ## remove what was built
	cargo clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24
	@echo
	@echo "  LIBC=musl|gnu chooses the C library, PREFIX= and DESTDIR= the place to install to."
