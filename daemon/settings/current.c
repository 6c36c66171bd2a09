#include "settings/current.h"

#include "base/scope.h"

#include <pthread.h>
#include <stdatomic.h>

struct current {
  atomic_ullong generation;
  pthread_mutex_t lock; /* the last that a thread takes */
  struct settings *settings;
  struct secret *own_token;
};

struct current *current_create(struct settings *settings, struct secret *own_token) {
  struct current *current = calloc(1, sizeof *current);
  if (!current)
    return NULL;
  pthread_mutex_init(&current->lock, NULL);
  current->settings = settings_hold(settings);
  current->own_token = secret_hold(own_token);
  return current;
}

void current_release(struct current **address) {
  struct current *current = steal(*address);
  if (!current)
    return;
  settings_release(&current->settings);
  secret_release(&current->own_token);
  pthread_mutex_destroy(&current->lock);
  free(current);
}

void current_replace(struct current *current, struct settings *settings, struct secret *own_token) {
  pthread_mutex_lock(&current->lock);
  struct settings *settings_before = current->settings;
  struct secret *token_before = current->own_token;
  current->settings = settings_hold(settings);
  current->own_token = secret_hold(own_token);
  atomic_fetch_add(&current->generation, 1);
  pthread_mutex_unlock(&current->lock);
  settings_release(&settings_before);
  secret_release(&token_before);
}

uint64_t current_generation(const struct current *current) {
  return atomic_load(&current->generation);
}

struct settings *current_settings(struct current *current) {
  pthread_mutex_lock(&current->lock);
  struct settings *settings = settings_hold(current->settings);
  pthread_mutex_unlock(&current->lock);
  return settings;
}

void current_hold(struct current *current, struct settings **settings, struct secret **own_token) {
  pthread_mutex_lock(&current->lock);
  *settings = settings_hold(current->settings);
  *own_token = secret_hold(current->own_token);
  pthread_mutex_unlock(&current->lock);
}
