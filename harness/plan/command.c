/* SPDX-License-Identifier: MIT */
/* command.c - servers of others, named by LABEL=: see command.h */
#include "harness/plan/command.h"

#include "harness/base/program.h"
#include "harness/base/grow.h"
#include "harness/base/die.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char port_word[] = "{port}";

/* ---------------------------------------------------------------------- words */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether the backslash at `at` quotes the next character */
static bool is_escaped(const char *at, char quote)
{
	if (*at != '\\' || !at[1] || quote == '\'')
		return false;
	return !quote || at[1] == '"' || at[1] == '\\';
}

/* Unquotes the word at *from in place; false: a quote is not closed. */
static bool cut_word(char **from)
{
	char *at = *from, *to = *from, quote = '\0';

	for (; *at && (quote || !is_blank(*at)); at++) {
		if (quote && *at == quote)
			quote = '\0';
		else if (!quote && (*at == '\'' || *at == '"'))
			quote = *at;
		else if (is_escaped(at, quote))
			*to++ = *++at;
		else
			*to++ = *at;
	}
	*from = *at ? at + 1 : at;
	*to = '\0';
	return !quote;
}

static bool cut(struct command *c)
{
	char *rest = c->text;

	for (;;) {
		c->word = grow(c->word, c->words + 1, sizeof(*c->word));
		c->word[c->words] = NULL;
		while (is_blank(*rest))
			rest++;
		if (!*rest)
			return true;
		c->word[c->words++] = rest;
		if (!cut_word(&rest))
			return false;
	}
}

void command_free(struct command *c)
{
	free(c->text);
	free(c->word);
	*c = (struct command){ .text = NULL };
}

static char *add_word(struct command *c, char *word)
{
	c->word = grow(c->word, c->words + 2, sizeof(*c->word));
	c->word[c->words++] = word;
	c->word[c->words] = NULL;
	return word;
}

static const char inject[] = "inject=";

/* The option inject=scan-2us runs the program under bin/inject, with effect scan=2us. */
static char *add_effect(struct command *c, char *to, const char *bin,
			const char *label)
{
	const char *effect = strstr(label, inject);
	char *equal;

	if (!effect || effect[-1] != ':')
		return to;
	effect += strlen(inject);
	to = add_word(c, to) + sprintf(to, "%s/inject", bin) + 1;
	equal = add_word(c, to);
	to = equal + sprintf(equal, "%.*s", (int)strcspn(effect, ":"), effect) +
	     1;
	if ((equal = strchr(equal, '-')))
		*equal = '=';
	return to;
}

/* BIN/delayloop --delay=10ms: the words stand in the text, each with its 0. */
void command_of_model(struct command *c, const char *bin, const char *label)
{
	size_t room = 2 * strlen(bin) + 4 * strlen(label) + 16;
	char *copy = strdup(label), *rest = copy, *to = malloc(room);
	const char *option;

	if (!copy || !to)
		die("malloc");
	*c = (struct command){ .text = to };
	to = add_effect(c, to, bin, label);
	to = add_word(c, to) + sprintf(to, "%s/%s", bin, strsep(&rest, ":")) +
	     1;
	while ((option = strsep(&rest, ":")))
		if (strncmp(option, inject, strlen(inject)) != 0)
			to = add_word(c, to) + sprintf(to, "--%s", option) + 1;
	free(copy);
}

/* ------------------------------------------------------------------ addresses */

/* HOST:NUMBER, and no path */
static bool is_address(const char *word)
{
	const char *colon = strrchr(word, ':');

	return colon && colon[1] && !strchr(word, '/') &&
	       colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

static bool take_host(struct command *c, const char *host, size_t length)
{
	struct in_addr v4;

	if (length >= sizeof(c->host))
		return false;
	snprintf(c->host, sizeof(c->host), "%.*s", (int)length, host);
	if (strcmp(c->host, "localhost") == 0)
		strcpy(c->host, "127.0.0.1");
	if (strcmp(c->host, "[::1]") == 0)
		strcpy(c->host, "::1");
	return strcmp(c->host, "::1") == 0 ||
	       (inet_pton(AF_INET, c->host, &v4) == 1 &&
		ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

static bool take_number(const char *text, unsigned long most, unsigned long *n)
{
	char *end;

	*n = strspn(text, "0123456789") ? strtoul(text, &end, 10) : 0;
	return *n >= 1 && *n <= most && !*end;
}

static bool take_address(struct command *c, char why[WHY_SIZE])
{
	const char *address = c->word[0], *more = c->word[1];
	const char *colon = strrchr(address, ':');
	unsigned long n;

	if (!take_host(c, address, (size_t)(colon - address)))
		return why_not(
			why,
			"'%.60s' is not a loopback address (127.0.0.1, "
			"[::1], localhost): a network would be measured, "
			"too",
			address);
	if (!take_number(colon + 1, 65535, &n))
		return why_not(why, "'%.60s' has no port from 1 to 65535",
			       address);
	c->port = (unsigned)n;
	if (more && (c->words > 2 || strncmp(more, "pid=", 4) != 0 ||
		     !take_number(more + 4, INT32_MAX, &n)))
		return why_not(why,
			       "'%.60s': only the process id of the server may "
			       "follow an address: %.60s pid=1234",
			       more, address);
	c->pid = more ? (pid_t)n : 0;
	c->words = 0;
	return true;
}

bool command_parse(struct command *c, const char *text, char why[WHY_SIZE])
{
	bool good;

	*c = (struct command){ .text = strdup(text) };
	if (!c->text)
		die("strdup");
	if (!cut(c))
		good = why_not(why, "a quote (' or \") is not closed");
	else if (c->words == 0)
		good = why_not(why,
			       "the program is missing, as in mine=./a.out");
	else if (is_address(c->word[0]))
		good = take_address(c, why);
	else
		good = true;
	for (size_t i = 0; good && i < c->words; i++)
		c->names_port |= strstr(c->word[i], port_word) != NULL;
	if (!good)
		command_free(c);
	return good;
}

/* ----------------------------------------------------------------- its {port} */

static char *with_port(const char *word, unsigned port)
{
	const char *at;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	for (; (at = strstr(word, port_word)); word = at + strlen(port_word))
		fprintf(to, "%.*s%u", (int)(at - word), word, port);
	fputs(word, to);
	if (fclose(to) != 0)
		die("open_memstream");
	return text;
}

char **command_argv(const struct command *c, unsigned port, size_t more)
{
	char **argv = grow(NULL, c->words + more + 1, sizeof(*argv));

	for (size_t i = 0; i < c->words; i++)
		argv[i] = with_port(c->word[i], port);
	argv[c->words] = NULL;
	return argv;
}

void command_argv_free(char **argv, size_t words)
{
	for (size_t i = 0; i < words; i++)
		free(argv[i]);
	free(argv);
}

/* -------------------------------------------------------------- listeners */

static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], found[64];
	struct dirent *entry;
	bool yes = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	dir = opendir(path);
	while (dir && !yes && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, found,
				       sizeof(found) - 1);

		found[n > 0 ? n : 0] = '\0';
		yes = strcmp(found, wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return yes;
}

/* Searches one of the kernel's tables; stores the local address in
 * `address`. Listening sockets are listed before all others. */
static bool listens_in(const char *table, const pid_t *pids, size_t n,
		       unsigned port, char address[64])
{
	FILE *file = fopen(table, "re");
	unsigned found, state;
	unsigned long inode;
	bool yes = false;
	char line[512];

	while (file && !yes && fgets(line, sizeof(line), file)) {
		if (sscanf(line,
			   " %*d: %60[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s "
			   "%*s %*d %*d %lu",
			   address, &found, &state, &inode) != 4)
			continue;  /* the heading */
		if (state != 0x0a) /* TCP_LISTEN */
			break;
		if (found != port)
			continue;
		for (size_t i = 0; i < n && !yes; i++)
			yes = has_socket(pids[i], inode);
	}
	if (file)
		fclose(file);
	return yes;
}

const char *command_listen_host(const pid_t *pids, size_t n, unsigned port)
{
	const uint32_t *loopback = in6addr_loopback.s6_addr32;
	char address[64], v6[64];

	if (listens_in("/proc/net/tcp", pids, n, port, address))
		return "127.0.0.1";
	if (!listens_in("/proc/net/tcp6", pids, n, port, address))
		return NULL;
	/* The table prints each 32 bits in host byte order. */
	snprintf(v6, sizeof(v6), "%08X%08X%08X%08X", loopback[0], loopback[1],
		 loopback[2], loopback[3]);
	return strcmp(address, v6) == 0 ? "::1" : "127.0.0.1";
}

/* --------------------------------------------------------------- availability */

static bool program_available(const char *program, char why[WHY_SIZE])
{
	char path[PATH_MAX];
	struct stat st;

	if (program_find(program, path))
		return true;
	if (strchr(program, '/') && stat(program, &st) == 0)
		return why_not(why, "%.200s: %s", program,
			       S_ISDIR(st.st_mode) ?
				       "a directory, not a program" :
				       "not executable; run chmod +x on it");
	return why_not(why, "%.200s: %s", program, strerror(errno));
}

/* With a timeout: connect() blocks while the backlog of the server is full. */
static bool can_connect(const struct command *c)
{
	static const struct timeval timeout = { .tv_sec = 2 };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(c->port),
				   .sin6_addr = in6addr_loopback };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(c->port) };
	bool is_v4 = inet_pton(AF_INET, c->host, &v4.sin_addr) == 1, yes;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC,
			0);

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	yes = connect(fd, is_v4 ? (void *)&v4 : (void *)&v6,
		      is_v4 ? sizeof(v4) : sizeof(v6)) == 0;
	close(fd);
	return yes;
}

bool command_available(const struct command *c, char why[WHY_SIZE])
{
	if (c->words)
		return program_available(c->word[0], why);
	if (!can_connect(c))
		return why_not(why, "%s port %u: %s", c->host, c->port,
			       strerror(errno));
	if (c->pid && !command_listen_host(&c->pid, 1, c->port))
		return why_not(
			why,
			"process %d does not listen on port %u, or belongs to "
			"another user; name the process that listens there, "
			"or run this as its user or root",
			c->pid, c->port);
	return true;
}
