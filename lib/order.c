/* Orders: turns that nobody's call brings about. One to a circuit of this process is carried out in the
 * call; one to a dialect that converses takes its turn with the storage. Both are told by the drain. */
#include "panel.h"
#include "shared.h"

static void push(struct order_queue *queue, breaker_order_t *order)
{
    order->library.next = NULL;
    *queue->last = order;
    queue->last = &order->library.next;
}

void order_push(breaker_panel_t *panel, breaker_order_t *order, int status)
{
    order->library.status = status;
    push(&panel->orders, order);
    panel_wake(panel);
}

/* ---- Giving ------------------------------------------------------------------------------------*/

/* The order becomes the library's, until it is told. */
static void keep(breaker_t *b, const struct turn *turn, breaker_order_t *order,
                 breaker_order_cb done)
{
    order->library.done = done;
    order->library.breaker = b;
    order->library.kind = turn->op;
    order->library.in_use = 1;
    b->panel->pending++;
}

static int converse(breaker_t *b, enum turn_op op, breaker_order_t *order)
{
    int status = turn_order(b, op, order);

    if (status != UV_ENOBUFS || order == NULL)
        return status;
    push(&b->panel->turns.orders, order);
    return 0;
}

static int check(const breaker_t *b, const breaker_order_t *order, breaker_order_cb done)
{
    if (b == NULL || (order == NULL && done != NULL))
        return UV_EINVAL;
    if (done != NULL && order->library.in_use)
        return UV_EBUSY;
    if (b->panel->is_closing || (done != NULL && !panel_is_open(b->panel)))
        return UV_ESHUTDOWN;
    return 0;
}

/* Here and now. */
static int carry_out(breaker_t *b, struct turn *turn, breaker_order_t *order, breaker_order_cb done)
{
    if (done != NULL)
        keep(b, turn, order, done);
    turn->now = panel_now(b->panel);
    if (turn->op != TURN_LOOK)
        breaker_take_turn(b, turn);
    if (done != NULL)
        order_push(b->panel, order, 0);
    return 0;
}

static int give_turn(breaker_t *b, struct turn *turn, breaker_order_t *order, breaker_order_cb done)
{
    int status = check(b, order, done);
    bool converses;

    if (status != 0)
        return status;
    converses = (b->flags & BREAKER_CONVERSES) && turn->op != TURN_HOLD;
    if (!converses && !(b->flags & BREAKER_IS_SHARED))
        return carry_out(b, turn, order, done);
    if (done != NULL)
        keep(b, turn, order, done);
    if (converses)
        return converse(b, (enum turn_op)turn->op, done != NULL ? order : NULL);
    shared_order(b, turn, done != NULL ? order : NULL);
    return 0;
}

static int give(breaker_t *b, enum turn_op op, breaker_hold_t hold, breaker_order_t *order,
                breaker_order_cb done)
{
    struct turn turn = {.op = (uint8_t)op, .hold = (uint8_t)hold};

    return give_turn(b, &turn, order, done);
}

void order_converse(breaker_order_t *order)
{
    turn_order(order->library.breaker, (enum turn_op)order->library.kind, order);
}

int breaker_trip(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, TURN_TRIP, BREAKER_HOLD_NONE, order, done);
}

int breaker_trip_for(breaker_t *breaker, uint64_t time, breaker_order_t *order,
                     breaker_order_cb done)
{
    struct turn turn = {.op = TURN_TRIP, .duration = time};

    if (time < 1 || time > BREAKER_TIME_MAX)
        return UV_EINVAL;
    if (breaker != NULL && (breaker->flags & BREAKER_IS_DIALECT))
        return UV_ENOTSUP;
    return give_turn(breaker, &turn, order, done);
}

int breaker_recover(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, TURN_RECOVER, BREAKER_HOLD_NONE, order, done);
}

int breaker_reset(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, TURN_RESET, BREAKER_HOLD_NONE, order, done);
}

int breaker_hold(breaker_t *breaker, breaker_hold_t hold, breaker_order_t *order,
                 breaker_order_cb done)
{
    if ((unsigned)hold > BREAKER_HOLD_WATCH)
        return UV_EINVAL;
    return give(breaker, TURN_HOLD, hold, order, done);
}

int breaker_refresh(breaker_t *breaker, breaker_order_t *order, breaker_order_cb done)
{
    return give(breaker, TURN_LOOK, BREAKER_HOLD_NONE, order, done);
}

/* ---- Telling -----------------------------------------------------------------------------------*/

static bool is_of(const breaker_order_t *order, const breaker_t *breaker)
{
    return breaker == NULL || order->library.breaker == breaker;
}

/* Those that wait for a conversation are over now; those carried out are only told otherwise. */
void order_abandon(breaker_panel_t *panel, const breaker_t *breaker)
{
    struct order_queue *waiting = &panel->turns.orders;
    breaker_order_t **link = &waiting->first;

    while (*link != NULL) {
        breaker_order_t *order = *link;
        if (!is_of(order, breaker)) {
            link = &order->library.next;
            continue;
        }
        *link = order->library.next;
        order_push(panel, order, 0);
    }
    waiting->last = link;
    for (breaker_order_t *o = panel->orders.first; o != NULL; o = o->library.next) {
        if (is_of(o, breaker)) {
            o->library.status = UV_ECANCELED;
            o->library.breaker = NULL;
        }
    }
}

bool order_is_under_way(const breaker_t *breaker)
{
    const breaker_panel_t *panel = breaker->panel;

    if ((breaker->flags & BREAKER_IS_SHARED) && shared_is_busy(breaker))
        return true;
    for (const breaker_order_t *o = panel->orders.first; o != NULL; o = o->library.next)
        if (o->library.breaker == breaker)
            return true;
    return (breaker->flags & BREAKER_CONVERSES) && turn_is_under_way(breaker);
}

/* Those not yet told stay in the queue, where their breaker's end finds them. */
void order_run(breaker_panel_t *panel)
{
    struct order_queue *queue = &panel->orders;
    breaker_order_t **end = queue->last;
    bool is_last = queue->first == NULL;

    while (!is_last) {
        breaker_order_t *order = queue->first;
        is_last = &order->library.next == end;
        queue->first = order->library.next;
        if (queue->first == NULL)
            queue->last = &queue->first;
        order->library.in_use = 0;
        panel->pending--;
        order->library.done(order, order->library.status);
    }
}
