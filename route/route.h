#pragma once /* route/route.h: what the rooms of route/ share; the door for others is route/delivery.h */
#include "route/delivery.h"

struct route {
    struct store *store;
    struct route_options options;
};
