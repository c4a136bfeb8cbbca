/* Opens a tun interface and becomes another program, which has its descriptor as a service manager
   would give it (sd_listen_fds(3)): handover INTERFACE MTU NAME COMMAND ARGUMENT...
   The interface is up then, and has the MTU. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST = 3 };

static void check(int result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
}

/* What a process without rights will not be able to do. */
static void set_up(struct ifreq *request, int mtu) {
  int control = socket(AF_INET, SOCK_DGRAM, 0);
  check(control, "socket");
  request->ifr_mtu = mtu;
  check(ioctl(control, SIOCSIFMTU, request), "SIOCSIFMTU");
  request->ifr_flags = IFF_UP;
  check(ioctl(control, SIOCSIFFLAGS, request), "SIOCSIFFLAGS");
  close(control);
}

int main(int count, char **arguments) {
  if (count < 5 || strlen(arguments[1]) >= IFNAMSIZ) {
    fprintf(stderr, "usage: handover INTERFACE MTU NAME COMMAND ARGUMENT...\n");
    return 2;
  }
  int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  check(tun, "/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, arguments[1]);
  check(ioctl(tun, TUNSETIFF, &request), "TUNSETIFF");
  set_up(&request, atoi(arguments[2]));
  if (tun == FIRST) {
    check(fcntl(tun, F_SETFD, 0), "F_SETFD");
  } else {
    check(dup2(tun, FIRST), "dup2");
    close(tun);
  }
  char pid[32];
  snprintf(pid, sizeof pid, "%d", (int)getpid());
  setenv("LISTEN_PID", pid, 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", arguments[3], 1);
  execvp(arguments[4], arguments + 4);
  perror(arguments[4]);
  return 1;
}
