/* How a transaction on the memory storage is all or nothing: its verbs work on drafts of the keys they
 * touch, and when every verb is well and all memory is at hand, the drafts are written back, and
 * nothing can fail any more. */
#include "memory_draft.h"
#include "memory.h"
#include <string.h>
#include <uv.h>

enum { SMALL = 24 }; /* room of a value that holds any number; a longer one gets all there may be */

struct memory_draft *memory_draft_of(struct memory_drafts *drafts, const char *key,
                                     uint16_t key_length)
{
    uint32_t hash = memory_table_hash(&drafts->keys->table, key, key_length);
    struct memory_draft *draft = drafts->of;
    for (; draft < drafts->of + drafts->count; draft++)
        if (draft->hash == hash && draft->key_length == key_length &&
            memcmp(draft->key, key, key_length) == 0)
            return draft;
    drafts->count++;
    draft->key = key;
    draft->key_length = key_length;
    draft->hash = hash;
    draft->entry = memory_keys_find(drafts->keys, drafts->now, hash, key, key_length);
    draft->fresh = NULL;
    draft->changed = false;
    draft->gone = 0;
    draft->coming = 0;
    draft->log = NULL;
    draft->held = MEMORY_NOTHING;
    draft->end = UINT64_MAX;
    if (draft->entry != NULL) {
        draft->log = draft->entry->log;
        draft->held = draft->log != NULL ? MEMORY_LOG : MEMORY_VALUE;
        draft->end = draft->entry->end.at;
        draft->length = draft->entry->length;
        memcpy(draft->value, memory_keys_value(draft->entry), draft->length);
    }
    return draft;
}

static bool is_kept(const struct memory_draft *draft)
{
    return draft->held != MEMORY_NOTHING;
}

/* Has everything at hand that writing back will need. */
static int prepare(struct memory_drafts *drafts)
{
    size_t made = 0;
    size_t taken = 0;
    for (unsigned i = 0; i < drafts->count; i++) {
        struct memory_draft *draft = &drafts->of[i];
        uint16_t length = draft->held == MEMORY_VALUE ? draft->length : 0;
        made += is_kept(draft) && draft->entry == NULL;
        taken += !is_kept(draft) && draft->entry != NULL;
        if (!is_kept(draft) || (draft->entry != NULL && draft->entry->room >= length))
            continue;
        uint16_t room = length > SMALL ? BREAKER_VALUE_MAX : SMALL;
        draft->fresh = memory_keys_make(draft->hash, draft->key, draft->key_length,
                                        draft->held == MEMORY_LOG ? 0 : room);
        if (draft->fresh == NULL)
            return UV_ENOMEM;
    }
    if (made > taken && !memory_keys_has_place(drafts->keys, made - taken))
        return UV_ENOSPC;
    int error = memory_table_reserve(&drafts->keys->table, drafts->count);
    return error != 0 ? error : memory_heap_reserve(&drafts->keys->heap, drafts->count);
}

static void write_log(struct memory_draft *draft, struct memory_entry *entry)
{
    entry->log = draft->log;
    entry->length = 0;
    memory_log_forget(draft->log, draft->gone);
    for (unsigned i = 0; i < draft->coming; i++)
        memory_log_add(draft->log, draft->scores[i]);
    draft->log = NULL;
}

static void write_back(struct memory_drafts *drafts, struct memory_draft *draft)
{
    struct memory_entry *entry = draft->entry;
    if (entry != NULL)
        entry->log = NULL; /* the draft has it now */
    if (entry != NULL && (!is_kept(draft) || draft->fresh != NULL))
        memory_keys_remove(drafts->keys, entry);
    if (is_kept(draft) && draft->fresh != NULL) {
        entry = draft->fresh;
        memory_keys_insert(drafts->keys, entry);
        draft->fresh = NULL;
    }
    if (draft->held == MEMORY_LOG) {
        write_log(draft, entry);
    } else if (draft->held == MEMORY_VALUE) {
        entry->length = draft->length;
        memcpy(memory_keys_value(entry), draft->value, draft->length);
    }
    if (is_kept(draft))
        memory_heap_set(&drafts->keys->heap, &entry->end, draft->end);
    memory_log_destroy(draft->log);
}

static void drop(struct memory_draft *draft)
{
    memory_release(draft->fresh);
    if (draft->entry == NULL || draft->log != draft->entry->log)
        memory_log_destroy(draft->log);
}

int memory_draft_finish(struct memory_drafts *drafts, int error)
{
    if (error == 0)
        error = prepare(drafts);
    for (unsigned i = 0; i < drafts->count; i++)
        if (error != 0 || !drafts->of[i].changed)
            drop(&drafts->of[i]);
        else
            write_back(drafts, &drafts->of[i]);
    return error;
}
