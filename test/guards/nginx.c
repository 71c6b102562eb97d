/* Knows how to run nginx for a test: in a directory of its own, as one process, ending with the
 * test whatever becomes of it. */
#include "nginx.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fixture.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, MANY = 1 << 20 };

static const char configuration[] =
    "daemon off; master_process off; pid pid; error_log error.log;\n"
    "events { worker_connections 256; }\n"
    "http {\n"
    "  access_log off;\n"
    "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
    "  uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
    "  %s\n"
    "  server { listen 127.0.0.1:%d %s; include places; set $there %d; }\n"
    "  server { listen 127.0.0.1:%d %s; include places; set $there %d; }\n"
    "}\n";

static const char security[] = "ssl_certificate server.crt; ssl_certificate_key server.key; "
                               "ssl_verify_client optional_no_ca;";

static const char places[] =
    "default_type text/plain;\n"
    "location = /text { return 200 hello; }\n"
    "location = /sick { return 503; }\n"
    "location = /broken { return 500; }\n"
    "location = /busy { add_header Retry-After 7 always; return 503; }\n"
    "location = /count { return 200 \"$connection $connection_requests\"; }\n"
    "location = /many { root .; }\n"
    "location = /slow { alias many; limit_rate 16k; }\n"
    "location = /who { return 200 \"$ssl_client_s_dn\"; }\n"
    "location /to/ { rewrite ^/to(/.*)$ $scheme://127.0.0.1:$there$1 redirect; }\n";

static void skip_all(const char *why)
{
    print_message("skipped: %s\n", why);
    exit(77);
}

static void remove_directory(const struct nginx *nginx)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", nginx->directory);
    if (system(command) != 0)
        print_error("%s: left behind\n", nginx->directory);
}

static void write_file(const struct nginx *nginx, const char *name, const char *text, size_t length)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", nginx->directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* Each signs itself, which makes it its own authority. */
static void certify(const struct nginx *nginx, const char *file, const char *name)
{
    char command[512];

    snprintf(command, sizeof command,
             "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s.key -out %s.crt >/dev/null 2>&1",
             nginx->directory, name, file, file);
    if (system(command) != 0) {
        remove_directory(nginx);
        skip_all("no openssl");
    }
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool listens(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), status;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    status = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return status == 0;
}

static void configure(struct nginx *nginx)
{
    static char many[MANY];
    char text[2048];
    const int *ports = nginx->ports;
    const char *kind = nginx->is_plain ? "" : "ssl http2";

    memset(many, 'm', sizeof many);
    snprintf(text, sizeof text, configuration, nginx->is_plain ? "" : security, ports[0], kind,
             ports[1], ports[1], kind, ports[0]);
    write_file(nginx, "conf", text, strlen(text));
    write_file(nginx, "places", places, strlen(places));
    write_file(nginx, "many", many, sizeof many);
    if (nginx->is_plain)
        return;
    certify(nginx, "server", "127.0.0.1");
    certify(nginx, "client", "somebody");
    snprintf(nginx->ca, sizeof nginx->ca, "%s/server.crt", nginx->directory);
    snprintf(nginx->client_cert, sizeof nginx->client_cert, "%s/client.crt", nginx->directory);
    snprintf(nginx->client_key, sizeof nginx->client_key, "%s/client.key", nginx->directory);
}

static void launch(struct nginx *nginx, const char *program)
{
    nginx->pid = fork();
    assert_true(nginx->pid >= 0);
    if (nginx->pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen("/dev/null", "w", stderr) != NULL)
        execl(program, program, "-p", nginx->directory, "-c", "conf", (char *)NULL);
    _exit(127);
}

static void start(struct nginx *nginx)
{
    const char *program = getenv("NGINX");

    if (program == NULL || program[0] == '\0')
        skip_all("no nginx");
    snprintf(nginx->directory, sizeof nginx->directory, "/tmp/breaker-nginx-XXXXXX");
    assert_non_null(mkdtemp(nginx->directory));
    nginx->ports[0] = free_port();
    do
        nginx->ports[1] = free_port();
    while (nginx->ports[1] == nginx->ports[0]);
    configure(nginx);
    launch(nginx, program);
    for (unsigned i = 0; i < PATIENCE_MS && !listens(nginx->ports[1]); i++) {
        assert_int_equal(waitpid(nginx->pid, NULL, WNOHANG), 0);
        usleep(1000);
    }
}

void nginx_start(struct nginx *nginx)
{
    nginx->is_plain = false;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL))
        skip_all("this libcurl has no TLS");
    start(nginx);
}

void nginx_start_plain(struct nginx *nginx)
{
    nginx->is_plain = true;
    start(nginx);
}

void nginx_end(struct nginx *nginx)
{
    kill(nginx->pid, SIGKILL);
    waitpid(nginx->pid, NULL, 0);
    remove_directory(nginx);
}
