/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The fuzz targets without a fuzzer: each runs its corpus, and a number of
 * inputs made from it by a seeded generator. CHIM_CORPUS is the directory of
 * the corpora.
 *
 *   CHIM_INPUT=file   run that input alone, of one target: a reproducer
 *   CHIM_SOAK=n       make so many inputs instead of the usual few
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "pick.h"

#define FILES_MAX 1024u

struct target {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
	size_t len;
};

struct input {
	uint8_t *data; /* of its own heap block: AddressSanitizer sees its end */
	size_t size;
};

struct corpus {
	struct input input[FILES_MAX];
	uint32_t nb;
};

static struct input
read_input(const char *path)
{
	struct input in = { 0 };
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		fail_msg("cannot read %s", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	in.size = (size_t)ftell(f);
	rewind(f);
	in.data = malloc(in.size + 1);
	assert_non_null(in.data);
	assert_int_equal(fread(in.data, 1, in.size, f), in.size);
	fclose(f);
	return in;
}

static void
read_corpus(struct corpus *c, const char *name)
{
	const char *root = getenv("CHIM_CORPUS");
	struct dirent **entry;
	char path[4096];

	if (root == NULL)
		fail_msg("CHIM_CORPUS does not say where the corpora are");
	snprintf(path, sizeof(path), "%s/%s", root, name);
	int nb = scandir(path, &entry, NULL, alphasort);

	assert_in_range(nb, 3, FILES_MAX);
	for (int i = 0; i < nb; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", root, name, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			c->input[c->nb++] = read_input(path);
		free(entry[i]);
	}
	free(entry);
}

static struct input running; /* of the target, when it fails */

static void
run(const struct target *t, const struct input *in)
{
	uint8_t *copy = malloc(in->size);

	memcpy(copy, in->data, in->size);
	running = *in;
	t->run(copy, in->size);
	running = (struct input){ 0 };
	free(copy);
}

/* One of the corpus, or noise, changed in a few places, cut or drawn out. */
static struct input
make_input(const struct corpus *c, const struct target *t, struct pick *p)
{
	const struct input *from = &c->input[pick_below(p, c->nb)];
	struct input in = { .data = malloc(t->len), .size = RTE_MIN(from->size, t->len) };
	uint32_t nb = 1 + pick_below(p, 16);
	bool is_noise = pick_below(p, 4) == 0;

	assert_non_null(in.data);
	for (size_t i = 0; i < t->len; i++)
		in.data[i] = (uint8_t)pick_word(p);
	if (!is_noise)
		memcpy(in.data, from->data, in.size);
	if (is_noise || pick_below(p, 4) == 0)
		in.size = pick_below(p, (uint32_t)t->len + 1);
	while (nb-- != 0 && in.size != 0)
		in.data[pick_below(p, (uint32_t)in.size)] ^= 1u << pick_below(p, 8);
	return in;
}

static void
replay(const struct target *t, uint64_t usual)
{
	const char *one = getenv("CHIM_INPUT");
	uint64_t nb = pick_setting("CHIM_SOAK", usual);
	struct pick p = pick_by_seed(pick_setting("CHIM_SEED", 1));
	struct corpus c = { 0 };

	if (one != NULL) {
		c.input[0] = read_input(one);
		c.nb = 1;
		nb = 0;
	} else {
		read_corpus(&c, t->name);
	}
	for (uint32_t i = 0; i < c.nb; i++)
		run(t, &c.input[i]);
	while (nb-- != 0) {
		struct input in = make_input(&c, t, &p);

		run(t, &in);
		free(in.data);
	}
	for (uint32_t i = 0; i < c.nb; i++)
		free(c.input[i].data);
}

/* A run that failed leaves its input. */
static int
keep_input(void **state)
{
	FILE *f = running.data != NULL ? fopen("fuzz-failed", "wb") : NULL;

	if (f == NULL)
		return 0;
	fwrite(running.data, 1, running.size, f);
	fclose(f);
	print_error("replay with CHIM_INPUT=fuzz-failed\n");
	return 0;
}

#define TARGET(name, len, usual)                                            \
	static void fuzz_target_##name(void **state)                        \
	{                                                                   \
		replay(&(struct target){ #name, fuzz_##name, len }, usual); \
	}                                                                   \
	static const struct CMUnitTest tests_##name[] = {                   \
		cmocka_unit_test_teardown(fuzz_target_##name, keep_input),  \
	};                                                                  \
	CHIM_CMOCKA_SUITE(fuzz_##name##_autotest, tests_##name, NULL, NULL)

FUZZ_TARGET_LIST(TARGET)
