#pragma once /* main/notify.h: what the service manager is told */

/* One datagram to NOTIFY_SOCKET, sd_notify(3): "READY=1", "STOPPING=1" and so on. Nobody asked: does nothing. */
void notify_send(const char *state);
/* A reload has begun; READY=1 follows when it is over. */
void notify_reloading(void);
