/* Names and words of any bytes: each line is one JSON object nevertheless, in which they can be read. */
#include "print.h"
#include "speaker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct speaker s;

static int end(void **state)
{
    (void)state;
    speaker_end(&s);
    return 0;
}

/* ---- Written, and read as print.h says ---------------------------------------------------------*/

static size_t read_text(char *bytes, const char *text)
{
    size_t count = 0;

    while (*text != '\0')
        if (strncmp(text, "\xee\xbe", 2) == 0 || strncmp(text, "\xee\xbf", 2) == 0) {
            bytes[count++] = (char)((text[1] == '\xbe' ? 0x80 : 0xc0) | (text[2] & 0x3f));
            text += 3;
        } else {
            bytes[count++] = *text++;
        }
    return count;
}

static void comes_back(const char *text)
{
    json_t *written = print_text(text);
    char bytes[64] = {0};

    assert_non_null(written);
    assert_true(strlen(json_string_value(written)) < sizeof bytes);
    read_text(bytes, json_string_value(written));
    assert_string_equal(bytes, text);
    json_decref(written);
}

static void any_text_comes_back(void **state)
{
    static const char *const texts[] = {
        "",         "plain",        "caf\xc3\xa9",  "caf\xe9",
        "\xc3\xbf", "\xed\xa0\x80", "\xc0\x80",     "\xf4\x90\x80\x80",
        "\xe2\x82", "\xee\xbf\xbf", "\xee\xbe\x80", "\xee\xbf"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        comes_back(texts[i]);
    for (int i = 1; i < 256; i++)
        comes_back((char[]){'a', (char)i, '\0'});
}

static void is_written(const char *text, const char *wanted)
{
    json_t *written = print_text(text);

    assert_string_equal(json_string_value(written), wanted);
    json_decref(written);
}

static void valid_text_stays(void **state)
{
    (void)state;
    is_written("caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80");
    is_written("caf\xe9", "caf\xee\xbf\xa9"); /* U+EFE9 */
}

/* Of what is printed meanwhile. */
static json_t *line_of(json_t *object)
{
    char line[256] = "";
    FILE *file = tmpfile();
    int out = dup(1);

    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), 1);
    print_line(object);
    dup2(out, 1);
    close(out);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    return json_loads(line, 0, NULL);
}

static void no_line_is_empty(void **state)
{
    json_t *line;

    (void)state;
    line = line_of(json_pack("{s:i}", "a", 1));
    assert_int_equal(json_integer_value(json_object_get(line, "a")), 1);
    json_decref(line);
    line = line_of(NULL);
    assert_true(json_is_object(line));
    json_decref(line);
}

/* ---- Said to a drive ---------------------------------------------------------------------------*/

#define FF "\xee\xbf\xbf"
#define FE "\xee\xbf\xbe"

static void names(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--name", "\xff\xfe");
    speaker_ask(&s, "trip");
    const json_t *event = speaker_event(&s, "state_change");
    assert_string_equal(json_string_value(json_object_get(event, "name")), FF FE);
}

static void says(const char *line, const char *member, const char *wanted)
{
    speaker_ask(&s, line);
    assert_string_equal(speaker_text(&s, member), wanted);
}

static void words(void **state)
{
    (void)state;
    SPEAKER_START(&s, "--timeout", "20");
    says("begin \xff", "id", FF);
    says("begin \xff", "field", FF);
    speaker_ask(&s, "wait 60");
    assert_string_equal(json_string_value(json_object_get(speaker_event(&s, "call_over"), "id")),
                        FF);
    says("end \xff ok", "id", FF);
    says("end \xfe ok", "field", FE);
    says("begin \xc3\xa9", "id", "\xc3\xa9");
    says("call \xff", "field", FF);
    says("hold \xff", "field", FF);
    says("\xff", "op", FF);
    says("\xff", "field", FF);
}

static void arguments(void **state)
{
    static const char *const wrong[][3] = {
        {"--window", "\xff"}, {"--\xff", "1"}, {"\xff", "1"}, {"--storage", "\xff"}};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        speaker_start(&s, wrong[i]);
        speaker_hear(&s);
        assert_non_null(speaker_text(&s, "field"));
        assert_true(speaker_is_silent(&s));
        assert_int_equal(speaker_end(&s), 2);
    }
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_text_comes_back),
        TEST(valid_text_stays),
        TEST(no_line_is_empty),
        TEST(names),
        TEST(words),
        TEST(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
