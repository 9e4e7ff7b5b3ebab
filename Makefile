# make            the server, build/mailstead (VARIANT=clang|asan|tsan|cov for another build; CC=clang works too)
# make demo       shows it at work              make test    proves it (make test-clients: large clients, too)
# make install    PREFIX=/usr/local DESTDIR=    make lint | unit | dialog | clients | serve | acl | fault | model | kill ROUNDS=n
VARIANT  ?= plain
B        ?= build/$(VARIANT)
PREFIX   ?= /usr/local
ROUNDS   ?= 20
CC_clang := clang
CC_asan  := clang
CC_tsan  := clang
ifneq ($(CC_$(VARIANT)),)
CC       := $(CC_$(VARIANT))
endif
DIRS     := common message net store auth route smtpd imapd main
WARN     := -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wformat=2 -Wvla -Wswitch-enum -Wimplicit-fallthrough -Werror
HARD     := -fno-strict-aliasing -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DARENA_DEBUG -U_FORTIFY_SOURCE
SAN_tsan := -fsanitize=thread -U_FORTIFY_SOURCE
SAN_cov  := --coverage -O0
SAN      := $(SAN_$(VARIANT))
CFLAGS   ?= -O2 -g
ALLFLAGS := $(WARN) $(CFLAGS) $(HARD) $(SAN) -I.
LDHARD   := -pie -Wl,-z,relro,-z,now
LIBS     := -levent_core -levent_pthreads -lssl -lcrypto -ldb-5.3 -lconfuse -ljansson -lutf8proc -lidn2 -lcrypt -lzstd -lz -lpthread
SRC      := $(wildcard $(addsuffix /*.c,$(DIRS)))
OBJ      := $(SRC:%.c=$B/%.o)
LIB      := $B/libmailstead.a
TESTS    := $(patsubst %.c,$B/%,$(wildcard tests/unit/*/*_test.c))

all: $B/mailstead

$B/mailstead: $B/main/main.o $(LIB)
	@echo "  LD $@"
	@$(CC) $(SAN) $(LDHARD) -o $@ $^ $(LIBS) $(LDFLAGS)
	@if [ "$B" = build/plain ]; then ln -sf plain/mailstead build/mailstead; fi
$(LIB): $(filter-out $B/main/main.o,$(OBJ))
	@rm -f $@
	@ar rcs $@ $^
$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(ALLFLAGS) -MMD -MP -c -o $@ $<
$B/tests/%_test: tests/%_test.c $(LIB) Makefile
	@mkdir -p $(@D)
	@echo "  LD $@"
	@$(CC) $(ALLFLAGS) $(LDHARD) -MMD -MP -MF $@.d -o $@ $< $(LIB) -lcmocka $(LIBS) $(LDFLAGS)
-include $(OBJ:.o=.d) $(TESTS:=.d)

tests: $(TESTS)
demo:
	@tests/lib/deps.sh build
	@$(MAKE) --no-print-directory all
	@MAILSTEAD=$B/mailstead tests/lib/demo.sh
test:
	@tests/lib/deps.sh build test
	@tests/run.sh all
lint unit dialog clients serve acl golden fault model:
	@VARIANT=$(VARIANT) tests/run.sh $@
# what we say of broken messages beside what Dovecot says: needs dovecot-imapd (docs/imap-differences.md)
differences: all
	MAILSTEAD=$B/mailstead python3 tests/differences/run.py
# real clients that need large packages, or the npm registry
test-clients: all
	@tests/lib/deps.sh build test clients
	@MAILSTEAD=$B/mailstead LIMIT=600 tests/clients/run.sh tests/clients/big
kill:
	@VARIANT=$(VARIANT) ROUNDS=$(ROUNDS) tests/run.sh kill

install: all
	install -D -m 755 $B/mailstead $(DESTDIR)$(PREFIX)/bin/mailstead
	install -D -m 644 docs/mailstead.1 $(DESTDIR)$(PREFIX)/share/man/man1/mailstead.1
	install -D -m 644 docs/mailstead.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/mailstead.conf.5
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/bin|$(PREFIX)/bin|' etc/mailstead.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/mailstead.service
	install -D -m 644 etc/mailstead.conf $(DESTDIR)$(if $(filter /usr,$(PREFIX)),,$(PREFIX))/etc/mailstead/mailstead.conf.sample
clean:
	rm -rf build
.PHONY: all tests demo test differences test-clients lint unit dialog clients serve acl golden fault model kill install clean
.DELETE_ON_ERROR:
