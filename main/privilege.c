#include "main/privilege.h"
#include "common/mem.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PASSWD_BYTES 16384 /* texts of one passwd entry */

static enum err refused(struct fault *f, const char *what)
{
    return fault_set(f, ERR_IO, "%s: %s", what, strerror(errno));
}

/* Ports are open by now: nothing else needs a capability. */
static enum err drop_capabilities(struct fault *f)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(f, "no_new_privs");
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0,
                0); /* kernels before 4.3 have none */
    return syscall(SYS_capset, &head, none) == 0 ? ERR_OK : refused(f, "capset");
}

static enum err become(uid_t uid, gid_t gid, struct fault *f)
{
    if (setresgid(gid, gid, gid) != 0)
        return refused(f, "setresgid");
    if (setresuid(uid, uid, uid) != 0)
        return refused(f, "setresuid");
    if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return fault_set(f, ERR_IO, "root could be won back after becoming user %lu",
                         (unsigned long)uid);
    return ERR_OK;
}

/* A directory of root's becomes the user's; one of somebody else's stays: opening the store will tell. */
static enum err hand_over(const char *dir, uid_t uid, gid_t gid, struct fault *f)
{
    struct stat is;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fault_set(f, ERR_IO, "cannot make %s: %s", dir, strerror(errno));
    int bad = lstat(dir, &is);
    if (bad == 0 && S_ISDIR(is.st_mode) && is.st_uid == 0 && uid != 0)
        bad = lchown(dir, uid, gid);
    return bad ? fault_set(f, ERR_IO, "cannot give %s away: %s", dir, strerror(errno)) : ERR_OK;
}

static enum err become_user(const char *user, const char *dir, struct fault *f)
{
    struct passwd entry, *found = NULL;
    char *texts = mem_alloc(PASSWD_BYTES);
    int error = getpwnam_r(user, &entry, texts, PASSWD_BYTES, &found);
    enum err e = ERR_OK;
    if (!found)
        e = fault_set(f, ERR_INVALID, "no user \"%s\": %s", user,
                      error ? strerror(error) : "useradd --system makes one");
    if (e == ERR_OK)
        e = hand_over(dir, entry.pw_uid, entry.pw_gid, f);
    if (e == ERR_OK && initgroups(user, entry.pw_gid) != 0)
        e = refused(f, "initgroups");
    if (e == ERR_OK)
        e = become(entry.pw_uid, entry.pw_gid, f);
    mem_free(texts);
    return e;
}

enum err privilege_drop(const char *user, const char *dir, struct fault *f)
{
    enum err e = geteuid() == 0 ? become_user(user, dir, f) : ERR_OK;
    return e == ERR_OK ? drop_capabilities(f) : e;
}

enum err privilege_owner(const char *dir, struct fault *f)
{
    struct stat is;
    if (geteuid() != 0 || stat(dir, &is) != 0 || is.st_uid == 0)
        return ERR_OK;
    if (setgroups(0, NULL) != 0)
        return refused(f, "setgroups");
    return become(is.st_uid, is.st_gid, f);
}
