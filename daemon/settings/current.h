/* The settings in force, and the Ahrefs token of upstream.token_file that goes with them. A reload
 * replaces both at once, so that no token is sent to the upstream of another. */
#pragma once

#include "base/check.h"
#include "settings/secret.h"
#include "settings/settings.h"

#include <stdint.h>

struct current;

/* Takes a reference of both. `own_token` NULL: issued tokens have nothing to spend from. NULL: no
 * memory. */
struct current *current_create(struct settings *settings, struct secret *own_token) MUST_CHECK;
/* Gives up its references. Leaves NULL; NULL is allowed. */
void current_release(struct current **current);

/* Requests that begin from now on use these; takes a reference of both. Any thread. */
void current_replace(struct current *current, struct settings *settings, struct secret *own_token);

/* A number that rises before current_replace() returns. Who holds settings may go on using them as
 * long as it is what it was before they were taken. Does not block; any thread. */
uint64_t current_generation(const struct current *current);

/* The settings, with a reference for the caller. Any thread. */
struct settings *current_settings(struct current *current);
/* The settings and the token (NULL: there is none), with a reference of each for the caller. */
void current_hold(struct current *current, struct settings **settings, struct secret **own_token);
