# io-models: ways to wait for a socket, side by side
#
#   make               build every model: bin/thread ... bin/uring
#   make bin/mine      build one model, models/mine.c
#   make test          everything that can fail, in less than ten minutes
#   make help          this list
CFLAGS ?= -O2 -g
VERSION := 0.1.0
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wshadow \
	-Wmissing-prototypes -Wstrict-prototypes -pthread
BUILD := build
BIN := bin
MODELS := thread busypoll select poll epoll aio uring
COMMON := $(patsubst models/common/%.c,$(BUILD)/common/%.o,$(wildcard models/common/*.c))
all: $(MODELS:%=$(BIN)/%)
$(BIN)/%: $(BUILD)/%.o $(COMMON)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -luring
$(BUILD)/%.o: models/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DVERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<
.SECONDARY:
-include $(wildcard $(BUILD)/*.d $(BUILD)/common/*.d)
