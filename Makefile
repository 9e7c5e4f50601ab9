# io-models: builds, checks and tests
#
#   make               build every program into bin/
#   make bin/mine      build a model of your own, models/mine.c
#   make check SERVER=./a.out
#                      test any server; without SERVER, every model and variant
#   make runtimes      build the servers in Go and Rust (models/runtimes)
#   make smoke         the part of make check that precedes a measurement
#   make test          install missing packages, build and test everything (tests/run)
#   make test-long     the same, with the slow tests
#   make test-soak     run the tests ten times, five times with all CPUs busy
#   make fuzz          a million inputs for every parser
#   make bench-memory  memory of each model per idle client
#   make bench-loadgen speed and accuracy of the load generator
#   make bench-turns   how exact measuring in turns is, and what it costs
#   make bench-primitives
#                      how exact bin/primitives is
#   make bench-report  time and size of a report
#   make labs-check    every solution of the labs, right or wrong, through the grader
#   make labs-soak     each right one 100 times, with all CPUs busy
#   make labs-class    grade a class of 100
#   make gradescope LAB=05   an autograder of a lab for this platform
#   make autolab LAB=05      the same for this one
#   make classroom50 LAB=05  and for this one
#   make plots         charts of a run: make plots RUN=results/... (default: the newest)
#   make timeline      a picture of who waits where: make timeline MODEL=epoll (or
#                      SERVER='node echo.js {port}'), in build/timeline
#   make man           man pages, in build/man
#   make lint          format check and static analysis
#   make format        format every C file
#   make diff          compare two models or variants: make diff A=poll B=epoll
#   make clean         remove build/ and bin/
#   make help          print this list
#
# CC, CFLAGS, CXX, CXXFLAGS, CPPFLAGS and LDFLAGS are respected; V=1 prints the
# commands.

VERSION := 0.1.0

# In reading order, which is also that of results and charts
MODELS := thread busypoll select poll epoll aio uring
MODELS += $(filter-out $(MODELS),$(sort $(patsubst models/%.c,%,$(wildcard models/*.c))))
MODELS += $(sort $(patsubst models/variants/%.c,%,$(wildcard models/variants/*.c)))
RUNTIMES := $(sort $(basename $(notdir $(foreach suffix,c py js go rs,\
	$(wildcard models/runtimes/*.$(suffix))))))

BUILD := build/release
BIN := bin

CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes \
		   -Wstrict-prototypes -pthread $(SANITIZE)
CXXFLAGS ?= -O2 -g
override CXXFLAGS += -std=gnu++17 -Wall -Wextra -Wshadow -pthread $(SANITIZE)
override LDFLAGS += -pthread $(SANITIZE)

# The C++ compiler that belongs to CC, for harness/gbench.cc
ifeq ($(origin CXX),default)
CXX := $(patsubst cc,c++,$(subst clang,clang++,$(subst gcc,g++,$(CC))))
endif

PKG_CONFIG ?= pkg-config
found = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)
URING := $(call found,liburing)
LOAD := $(call found,jansson)
PROBE := $(call found,jansson libbpf libseccomp)
MATRIX := $(and $(call found,jansson libbpf libseccomp zlib benchmark),$(shell \
	command -v $(firstword $(CXX)) >/dev/null && echo yes))

# Those written in C are programs as the models; the others are started by a script, as
# are those whose library is missing: it says so.
COMPILED := $(if $(call found,libuv),libuv) $(if $(call found,libevent),libevent)

override CPPFLAGS += -D_GNU_SOURCE -I. -DVERSION='"$(VERSION)"' $(if $(URING),-DHAVE_URING) -MMD -MP

ifneq ($(URING),yes)
MODELS := $(filter-out uring%,$(MODELS))
$(info not building uring and its variants: $(PKG_CONFIG) does not find liburing (Debian, Ubuntu: liburing-dev, pkg-config))
endif
ifneq ($(LOAD),yes)
$(info not building loadgen: $(PKG_CONFIG) does not find jansson (Debian, Ubuntu: libjansson-dev, pkg-config))
endif
ifneq ($(PROBE),yes)
$(info not building probe: $(PKG_CONFIG) does not find libbpf, libseccomp and jansson (Debian, Ubuntu: libbpf-dev, libseccomp-dev, libjansson-dev))
endif
ifneq ($(MATRIX),yes)
$(info not building matrix and primitives: they need probe, a C++ compiler ($(CXX)), benchmark and zlib (Debian, Ubuntu: g++, libbenchmark-dev, zlib1g-dev))
endif

ifeq ($(V),1)
say = @:
Q :=
else ifneq ($(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS)))),)
say = @:
Q := @
else
say = @printf '  %-4s %s\n'
Q := @
endif

.PHONY: all runtimes help check smoke test test-long test-soak labs-check labs-soak labs-class gradescope autolab classroom50 fuzz bench-memory bench-loadgen bench-turns bench-primitives bench-report plots timeline man lint format diff clean builds clang asan tsan
.DELETE_ON_ERROR:
.SECONDARY:

# ---------------------------------------------------------------- programs

PROGRAMS := $(MODELS) $(COMPILED) baseline $(if $(LOAD),loadgen) $(if $(PROBE),probe) \
	$(if $(MATRIX),matrix primitives timeline inject inject.so)
STARTED := $(filter-out $(COMPILED),$(RUNTIMES))
all: $(PROGRAMS:%=$(BIN)/%) $(STARTED:%=$(BIN)/%)

runtimes: all
	@models/runtimes/build

# Three archives: for every program, for servers, for the harness
ROOMS := $(if $(LOAD),load) $(if $(PROBE),probe) \
	 $(if $(MATRIX),plan measure store verdict claims doctor matrix primitives timeline)
objects = $(patsubst %,$(BUILD)/%.o,$(basename $(filter-out %/main.c,$(wildcard $(1)))))
BASE := $(BUILD)/base.a
COMMON := $(BUILD)/common.a
HARNESS := $(BUILD)/harness.a
$(BASE): $(call objects,harness/base/*.c)
$(COMMON): $(filter-out $(if $(URING),,%/ring.o),$(call objects,models/common/*.c)) \
	$(BUILD)/models/common/main.o
$(HARNESS): $(filter-out $(if $(URING),,%/engine_uring.o),$(call objects,\
	$(ROOMS:%=harness/%/*.c) $(if $(MATRIX),harness/gbench.cc)))

$(BIN)/%: $(BUILD)/models/%.o $(COMMON) $(BASE)
	$(LINK)
$(BIN)/%: $(BUILD)/models/variants/%.o $(COMMON) $(BASE)
	$(LINK)
$(COMPILED:%=$(BIN)/%): $(BIN)/%: $(BUILD)/models/runtimes/%.o $(COMMON) $(BASE)
	$(LINK)
$(STARTED:%=$(BIN)/%): $(BUILD)/flags
	@mkdir -p $(@D)
	@ln -srfn models/runtimes/start $@
$(BIN)/baseline: $(BUILD)/harness/baseline/baseline.o $(COMMON) $(BASE)
	$(LINK)
$(BIN)/loadgen: $(BUILD)/harness/load/main.o $(HARNESS) $(BASE)
	$(LINK)
$(BIN)/probe: $(BUILD)/harness/probe/main.o $(HARNESS) $(BASE)
	$(LINK)
$(BIN)/matrix: $(BUILD)/harness/matrix/main.o $(HARNESS) $(BASE)
	$(LINK)
$(BIN)/primitives: $(BUILD)/harness/primitives/main.o $(HARNESS) $(BASE)
	$(LINK)
$(BIN)/timeline: $(BUILD)/harness/timeline/main.o $(HARNESS) $(BASE)
	$(LINK)

$(BIN)/inject: $(BUILD)/harness/inject/main.o $(HARNESS) $(BASE)
	$(LINK)
# Preloaded by bin/inject, into any program
$(BIN)/inject.so: harness/inject/inject.c harness/base/units.c $(BUILD)/flags
	$(say) LINK $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -M%,$(CPPFLAGS)) $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ \
		$(filter %.c,$^) -ldl -lm

# --as-needed: a program depends only on the libraries that it uses.
comma := ,
LIBS := -Wl$(comma)--as-needed $(if $(URING),-luring) $(COMPILED:lib%=-l%) $(if $(LOAD),-ljansson) \
	$(if $(PROBE),-lbpf -lseccomp) $(if $(MATRIX),-lz -lbenchmark -lstdc++) -lm
define LINK
$(say) LINK $@
@mkdir -p $(@D) && rm -f $@
$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)
endef

%.a:
	$(say) AR $@
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) qc $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.cc $(BUILD)/flags
	$(say) C++ $<
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) -DGBENCH_VERSION='"$(call version,benchmark)"' $(CXXFLAGS) \
		-c -o $@ $<

version = $(shell $(PKG_CONFIG) --modversion $(1))

# Sources, compiler and flags of the build, for machine.json
$(BUILD)/harness/store/provenance.o: $(BUILD)/build_info.h
$(BUILD)/harness/store/provenance.o: private override CPPFLAGS += -I$(BUILD) \
	$(if $(URING),-DLIBURING_VERSION='"$(call version,liburing)"')
$(BUILD)/build_info.h: FORCE
	@mkdir -p $(@D)
	@harness/packages/build_info '$(CC)' $(filter-out -DVERSION% -M%,$(CPPFLAGS)) \
		$(CFLAGS) $(LDFLAGS) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# The figures of Kerrisk, which plots and report read, too
$(BUILD)/harness/primitives/table.o: $(BUILD)/kerrisk.h
$(BUILD)/harness/primitives/table.o: private override CPPFLAGS += -I$(BUILD)
$(BUILD)/kerrisk.h: plots/kerrisk.csv
	@mkdir -p $(@D)
	@awk -F, '/^[a-z]+,[0-9]/ { printf "{ \"%s\", %s, %s },\n", $$1, $$2, $$3 }' $< >$@

# Everything is rebuilt when a flag or the compiler changes.
FLAGS := $(COMPILED) $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(CXX) $(CXXFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(FLAGS))' >$@
.PHONY: FORCE
FORCE:

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

# ------------------------------------------------------------------- tests

# Builds for the tests only; they are never measured.
builds: all clang asan tsan
clang:
	@+$(MAKE) --no-print-directory BUILD=build/clang BIN=build/clang/bin CC=clang all
asan:
	@+$(MAKE) --no-print-directory BUILD=build/asan BIN=build/asan/bin \
		CFLAGS='-O1 -g' SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all' all unit
tsan:
	@+$(MAKE) --no-print-directory BUILD=build/tsan BIN=build/tsan/bin \
		CFLAGS='-O1 -g' SANITIZE=-fsanitize=thread \
		$(patsubst %,build/tsan/bin/%,thread threadpool epoll $(if $(LOAD),loadgen))

# Unit tests of code without system calls: tests/unit/ROOM/FILE.c tests
# harness/ROOM/FILE.c. Run by tests/unit/test_unit.py.
UNITS := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/unit/*/*.c))
unit: $(UNITS)

$(UNITS): $(BUILD)/%: $(BUILD)/tests/%.o $(HARNESS) $(COMMON) $(BASE)
	$(LINK) -lcmocka

# A million inputs per fuzzer, the same in every run. libFuzzer keeps its corpus in
# build/fuzz/corpus.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_RUNS ?= 1000000
FUZZ_SEED ?= 1
# Tracing comparisons would take most of the time.
FUZZ_SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
		 -fno-sanitize-coverage=trace-cmp
fuzz:
	@harness/packages/install build fuzz
	@+$(MAKE) --no-print-directory BUILD=build/fuzz BIN=build/fuzz/bin CC=clang \
		CFLAGS='-O1 -g' SANITIZE='$(FUZZ_SANITIZE)' \
		$(FUZZERS:%=build/fuzz/%)
	@for one in $(FUZZERS); do \
		tests/fuzz/run $$one $(FUZZ_RUNS) $(FUZZ_SEED) || exit; \
	done

# The fuzzer of options replaces exit().
build/fuzz/options: override LDFLAGS += -Wl,--wrap=exit

build/fuzz/%: build/fuzz/tests/fuzz/%.o $(HARNESS) $(COMMON) $(BASE)
	$(LINK) -fsanitize=fuzzer

# Installs the missing packages of these groups of packages.txt, and runs a Python
# that has their modules.
with_python = harness/packages/install $(1) && "$$(harness/packages/python $(1))"

# SERVER=bin/X of a model or variant X is built and tested as a model. Any other program is
# tested without what only models have: options, limits, counters.
SERVER_NAME := $(patsubst ./%,%,$(SERVER))
SERVER_MODEL := $(filter $(MODELS),$(patsubst $(BIN)/%,%,$(filter $(BIN)/%,$(SERVER_NAME))))
SERVER_RUNTIME := $(filter $(RUNTIMES:%=$(BIN)/%),$(SERVER_NAME))
# A path or a command with arguments, quoted as one word of the shell
SERVER_WORD = '$(subst ','\'',$(if $(word 2,$(SERVER)),$(SERVER),$(if $(filter /%,$(SERVER)),,./)$(SERVER_NAME)))'
PREFLIGHT = $(if $(SERVER),$(call with_python,build check) tests/preflight.py $(SERVER_WORD))
TO_CHECK := $(if $(SERVER),$(SERVER_MODEL:%=$(BIN)/%) $(SERVER_RUNTIME),all)
ifneq ($(SERVER_MODEL),)
OF := --models '$(SERVER_MODEL)' --maxfail=5
else ifneq ($(SERVER),)
OF = --server $(SERVER_WORD) --maxfail=5
endif

check: $(TO_CHECK)
	@$(PREFLIGHT)
	@$(call with_python,build check) -m pytest -q tests/conversation -n 2 -m 'not long' $(OF)

smoke: $(TO_CHECK)
	@$(PREFLIGHT)
	@$(call with_python,build check) -m pytest -q tests/conversation -n 3 -m smoke $(OF)

test:
	@tests/run

test-long:
	@tests/run --long

test-soak:
	@RUNS='$(RUNS)' tests/soak

labs-check: all
	@$(call with_python,build check test labs) -m pytest -q tests/labs -n 3 \
		-m 'long or not long' --timeout 300

labs-soak: all
	@$(call with_python,build check test labs) tests/labs/soak.py $(RUNS)

labs-class: all
	@$(call with_python,build check test labs) tests/labs/class_of.py $(RUNS)

gradescope autolab classroom50:
	@labs/bundle $@ $(LAB)

bench-memory: all
	@$(call with_python,check) tests/bench/memory.py

bench-loadgen: all build/release/bench/record
	@export PEER='$(PEER)' ROUNDS='$(ROUNDS)' ONLY='$(ONLY)'; \
		$(call with_python,check test) tests/bench/loadgen.py

bench-turns: all
	@$(call with_python,check) tests/bench/turns.py $(PARTS) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(KEEP),--keep '$(KEEP)')

bench-primitives: all build/release/bench/primitives
	@$(call with_python,check) tests/bench/primitives.py $(PARTS) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(KEEP),--keep '$(KEEP)')

bench-report:
	@$(call with_python,plots) tests/bench/report.py $(RUN)

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(HARNESS) $(BASE)
	$(LINK)

plots:
	@harness/packages/install plots
	@plots/draw $(if $(RUN),'$(RUN)')

# A list of models, as for bin/matrix run --models, or any other server
MODEL ?= epoll
timeline: $(if $(SERVER),$(TO_CHECK) $(BIN)/timeline,all)
	@harness/packages/install build plots
	@$(BIN)/timeline --out build/timeline $(if $(SERVER),server=$(SERVER_WORD),'$(MODEL)')

# NAME: the first line of --help after the usage
man: $(PROGRAMS:%=build/man/%.1)

build/man/%.1: $(BIN)/%
	@harness/packages/install man
	$(say) MAN $@
	@mkdir -p $(@D)
	$(Q)help2man --no-info --name "$$($< --help | sed -n '/^Usage:\|^  or:/d; s/^$* - //; p; q')" \
		-o $@ $<

lint:
	@harness/packages/install build check test lint
	@tests/lint

C_FILES := $(wildcard models/*.[ch] models/*/*.[ch] harness/*.h harness/*.cc \
		     harness/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch])
format:
	@harness/packages/install lint
	@clang-format -i $(C_FILES)

A ?= poll
B ?= epoll
diff:
	@diff -u $(foreach one,$(A) $(B),$(firstword \
		$(wildcard models/$(one).c models/variants/$(one).c \
		models/runtimes/$(one).*) models/$(one).c)) || \
		[ $$? -eq 1 ]

clean:
	rm -rf build bin
