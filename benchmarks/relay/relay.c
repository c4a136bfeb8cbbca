/*
 * The yardstick: relays packets between two tun devices with one blocking thread a direction.
 *
 *   relay A B [--offload]
 *
 * Makes both devices in the present network namespace, prints "ready A B", and runs until it is
 * killed. With --offload it asks for the virtio-net header and all that the kernel offers, so that
 * super-packets of up to 64 KiB cross in one read and one write. The kernel copies; the relay does
 * not look into a packet.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROOM (65536 + 64)

struct direction {
  int from;
  int to;
};

static void fail(const char *operation, const char *object) {
  fprintf(stderr, "relay: %s %s: %s\n", operation, object, strerror(errno));
  exit(1);
}

static int open_tun(const char *name, int offload) {
  struct ifreq request;
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) fail("open", "/dev/net/tun");
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0);
  if (ioctl(fd, TUNSETIFF, &request) < 0) fail("TUNSETIFF", name);
  if (offload) {
    unsigned int tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (ioctl(fd, TUNSETOFFLOAD, tso | 0x20 | 0x40) < 0 && ioctl(fd, TUNSETOFFLOAD, tso) < 0)
      fail("TUNSETOFFLOAD", name);
  }
  return fd;
}

static _Noreturn void run(struct direction *direction) {
  char *buffer = aligned_alloc(4096, (ROOM + 4095) & ~4095);
  if (buffer == NULL) fail("allocate", "buffer");
  for (;;) {
    ssize_t length = read(direction->from, buffer, ROOM);
    if (length < 0) {
      if (errno == EINTR) continue;
      fail("read", "tun");
    }
    while (write(direction->to, buffer, length) < 0 && (errno == EINTR || errno == EAGAIN)) {
    }
  }
}

static void *start(void *direction) {
  run(direction);
}

int main(int argc, char **argv) {
  int offload = argc == 4 && strcmp(argv[3], "--offload") == 0;
  if (argc != 3 && !offload) {
    fprintf(stderr, "usage: relay A B [--offload]\n");
    return 2;
  }
  int a = open_tun(argv[1], offload);
  int b = open_tun(argv[2], offload);
  struct direction there = {a, b};
  struct direction back = {b, a};
  pthread_t thread;
  if (pthread_create(&thread, NULL, start, &there) != 0) fail("create", "thread");
  printf("ready %s %s\n", argv[1], argv[2]);
  fflush(stdout);
  run(&back);
}
