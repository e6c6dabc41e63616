/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Free objects of our own pools, marked so that AddressSanitizer stops whoever
 * touches them: a pool's memory is the pool's for as long as it lives, and the
 * sanitizer cannot know which part of it is somebody's. Nothing in builds
 * without it.
 */
#ifndef CHIM_POISON_H
#define CHIM_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHIM_HAS_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CHIM_HAS_POISON)
#define CHIM_HAS_POISON 1
#endif

#ifdef CHIM_HAS_POISON
#include <sanitizer/asan_interface.h>
#endif

/** The object is free: nobody may read or write it. Thread: its pool's owner. */
static inline void
chim_poison(const void *object, size_t size)
{
#ifdef CHIM_HAS_POISON
	ASAN_POISON_MEMORY_REGION(object, size);
#else
	(void)object;
	(void)size;
#endif
}

/** The object is somebody's again, or its memory is no pool's any more. */
static inline void
chim_unpoison(const void *object, size_t size)
{
#ifdef CHIM_HAS_POISON
	ASAN_UNPOISON_MEMORY_REGION(object, size);
#else
	(void)object;
	(void)size;
#endif
}

#endif /* CHIM_POISON_H */
