/*
 * Stands in for the chip: runs native/natives.c by commands from standard input, one a line, and answers each with a line. It
 * ends as the chip does, by a restart (exit status 10), a deep sleep (11) or a bootloader's rollback (12).
 *
 * Arguments: the reset reason as a number of esp_reset_reason_t, and a file that keeps the RTC's memory for the next start.
 */
#include "idf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern uint8_t __start_rtc_data[], __stop_rtc_data[];
extern uint8_t __start_rtc_noinit[], __stop_rtc_noinit[];

int thinghz_prepare(void);
uint32_t thinghz_settings_erased(void);
uint32_t thinghz_reset_reason(void);
void thinghz_aborting(char *cause, uint32_t free_bytes);
int32_t thinghz_abort_note(void *into);
uint32_t thinghz_lasting_size(void);
int32_t thinghz_lasting_read(uint32_t offset, void *into, uint32_t length);
int32_t thinghz_lasting_write(uint32_t offset, void *bytes, uint32_t length);
void thinghz_restart(void);
double thinghz_uptime_ms(void);
uint32_t thinghz_retained_capacity(void);
int32_t thinghz_retain(void *bytes, uint32_t length);
int32_t thinghz_retained_length(void);
void thinghz_retained(void *into, uint32_t length);
int32_t thinghz_setting_set(char *domain, char *key, char *value);
void thinghz_sleep(double duration_ms);
int32_t thinghz_app_on_trial(uint32_t *on_trial);
int32_t thinghz_app_confirm(void);
int32_t thinghz_app_roll_back(void);
int32_t thinghz_app_slot(void);
int32_t thinghz_app_activate(void);
void thinghz_app_description(void *into, uint32_t length);
uint32_t thinghz_watchdog_timeout_ms(void);
int32_t thinghz_watchdog_feed(void);
int32_t thinghz_wifi_watch(void);
uint32_t thinghz_wifi_reason(void);
uint32_t thinghz_system_free(void);
void thinghz_random(void *into, uint32_t length);
int32_t thinghz_serial(uint8_t *into);

enum { RESTARTED = 10, SLEPT = 11, ROLLED_BACK = 12 };

static esp_reset_reason_t reason;
static const char *rtc_file;

/* What `set NAME VALUE` sets. */
static struct {
	const char *name;
	long long value;
} world[] = {
	{"timer_us", 0}, {"rtc_us", 0}, {"ota_state", ESP_OTA_IMG_VALID},
	{"ota_error", 0}, {"confirm_error", 0}, {"rollback_error", 0},
	{"watchdog_error", 0}, {"nvs_error", 0}, {"loop_error", 0},
	{"no_partition", 0}, {"subtype", ESP_PARTITION_SUBTYPE_APP_OTA_MIN},
	{"no_next", 0}, {"boot_error", 0}, {"nvs_open_error", 0},
	{"nvs_set_error", 0}, {"nvs_commit_error", 0},
};

static long long *setting(const char *name)
{
	for (size_t n = 0; n < sizeof world / sizeof *world; n++)
		if (strcmp(world[n].name, name) == 0)
			return &world[n].value;
	fprintf(stderr, "There is no setting %s.\n", name);
	exit(1);
}

static void keep_rtc(void)
{
	/* In another program than this file's own, nothing is kept. */
	if (rtc_file == NULL)
		return;
	FILE *file = fopen(rtc_file, "wb");
	if (file == NULL)
		exit(1);
	fwrite(__start_rtc_data, 1, __stop_rtc_data - __start_rtc_data, file);
	fwrite(__start_rtc_noinit, 1, __stop_rtc_noinit - __start_rtc_noinit, file);
	fclose(file);
}

static void load_rtc(void)
{
	size_t data = __stop_rtc_data - __start_rtc_data;
	size_t noinit = __stop_rtc_noinit - __start_rtc_noinit;
	uint8_t *bytes = malloc(data + noinit);
	FILE *file = fopen(rtc_file, "rb");
	memset(__start_rtc_noinit, 0xa5, noinit);
	if (file != NULL && fread(bytes, 1, data + noinit, file) == data + noinit &&
		reason != ESP_RST_POWERON) {
		memcpy(__start_rtc_noinit, bytes + data, noinit);
		if (reason == ESP_RST_DEEPSLEEP)
			memcpy(__start_rtc_data, bytes, data);
	}
	if (file != NULL)
		fclose(file);
	free(bytes);
}

static void end(int status)
{
	keep_rtc();
	fflush(stdout);
	exit(status);
}

esp_reset_reason_t esp_reset_reason(void) { return reason; }

void esp_restart(void)
{
	end(RESTARTED);
	abort();
}

void esp_deep_sleep(uint64_t time_in_us)
{
	printf("sleep %llu\n", (unsigned long long)time_in_us);
	end(SLEPT);
	abort();
}

esp_err_t esp_wifi_stop(void)
{
	puts("wifi stopped");
	return ESP_OK;
}

int64_t esp_timer_get_time(void) { return *setting("timer_us"); }
uint64_t esp_rtc_get_time_us(void) { return (uint64_t)*setting("rtc_us"); }

uint32_t esp_rom_crc32_le(uint32_t crc, uint8_t const *buf, uint32_t len)
{
	crc = ~crc;
	while (len--) {
		crc ^= *buf++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

const esp_partition_t *esp_ota_get_running_partition(void)
{
	static esp_partition_t running = {ESP_PARTITION_TYPE_APP, 0, "ota_0"};
	running.subtype = (int)*setting("subtype");
	return *setting("no_partition") ? NULL : &running;
}

const esp_partition_t *esp_ota_get_next_update_partition(
	const esp_partition_t *start_from)
{
	static const esp_partition_t next = {ESP_PARTITION_TYPE_APP,
		ESP_PARTITION_SUBTYPE_APP_OTA_MIN + 1, "ota_1"};
	(void)start_from;
	return *setting("no_next") ? NULL : &next;
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition)
{
	printf("boot %s\n", partition->label);
	return (esp_err_t)*setting("boot_error");
}

const esp_app_desc_t *esp_app_get_description(void)
{
	static const esp_app_desc_t description = {
		.magic_word = 0xabcd5432u,
		.secure_version = 7,
		.version = "1.2.3",
		.project_name = "thinghz",
	};
	return &description;
}

esp_err_t esp_ota_get_state_partition(
	const esp_partition_t *partition, esp_ota_img_states_t *ota_state)
{
	(void)partition;
	*ota_state = (esp_ota_img_states_t)*setting("ota_state");
	return (esp_err_t)*setting("ota_error");
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback(void)
{
	return (esp_err_t)*setting("confirm_error");
}

esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void)
{
	if (*setting("rollback_error") == 0)
		end(ROLLED_BACK);
	return (esp_err_t)*setting("rollback_error");
}

esp_err_t esp_task_wdt_add_user(
	const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret)
{
	printf("watchdog of %s\n", user_name);
	if (*setting("watchdog_error") == 0)
		*user_handle_ret = (esp_task_wdt_user_handle_t)&world;
	return (esp_err_t)*setting("watchdog_error");
}

esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle)
{
	if (user_handle != (esp_task_wdt_user_handle_t)&world)
		return ESP_ERR_INVALID_ARG;
	puts("watchdog fed");
	return (esp_err_t)*setting("watchdog_error");
}

esp_event_base_t const WIFI_EVENT = "WIFI_EVENT";
static esp_event_handler_t handler;

esp_err_t esp_event_loop_create_default(void)
{
	return (esp_err_t)*setting("loop_error");
}

esp_err_t esp_event_handler_register(esp_event_base_t event_base,
	int32_t event_id, esp_event_handler_t event_handler,
	void *event_handler_arg)
{
	(void)event_handler_arg;
	if (event_base != WIFI_EVENT || event_id != ESP_EVENT_ANY_ID)
		return ESP_ERR_INVALID_ARG;
	handler = event_handler;
	return ESP_OK;
}

size_t heap_caps_get_free_size(uint32_t caps) { return caps ? 120000 : 0; }


void esp_fill_random(void *buf, size_t len) { memset(buf, 0x5a, len); }

esp_err_t esp_efuse_mac_get_default(uint8_t *mac)
{
	static const uint8_t made[6] = {0x24, 0x6f, 0x28, 0x00, 0xa1, 0xb2};
	memcpy(mac, made, sizeof made);
	return ESP_OK;
}

esp_err_t nvs_flash_init(void) { return (esp_err_t)*setting("nvs_error"); }

esp_err_t nvs_flash_erase(void)
{
	puts("nvs erased");
	*setting("nvs_error") = ESP_OK;
	return ESP_OK;
}

/* Namespaces are not kept apart; what is called is said. */
enum { NVS_HANDLE = 7 };

esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode,
	nvs_handle_t *out_handle)
{
	printf("open %s to %s\n", namespace_name,
		open_mode == NVS_READWRITE ? "write" : "read");
	*out_handle = NVS_HANDLE;
	return (esp_err_t)*setting("nvs_open_error");
}

esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value)
{
	printf("%u: set %s to %s\n", handle, key, value);
	return (esp_err_t)*setting("nvs_set_error");
}

esp_err_t nvs_commit(nvs_handle_t handle)
{
	printf("%u: commit\n", handle);
	return (esp_err_t)*setting("nvs_commit_error");
}

void nvs_close(nvs_handle_t handle) { printf("%u: close\n", handle); }

static void disconnect(uint8_t why)
{
	wifi_event_sta_disconnected_t event = {.reason = why};
	handler(NULL, WIFI_EVENT, WIFI_EVENT_STA_CONNECTED, NULL);
	handler(NULL, WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &event);
}

static void run(const char *command, char *argument, long long number)
{
	static uint8_t bytes[8192];
	uint32_t words[1];
	int32_t error;
#define IS(name) (strcmp(command, name) == 0)
	if (IS("prepare"))
		printf("%d\n", thinghz_prepare());
	else if (IS("settings_erased"))
		printf("%u\n", thinghz_settings_erased());
	else if (IS("setting_set"))
		printf("%d\n", thinghz_setting_set("domain", "key", argument));
	else if (IS("reset_reason"))
		printf("%u\n", thinghz_reset_reason());
	else if (IS("aborting"))
		thinghz_aborting(argument, 1234);
	else if (IS("abort_note")) {
		struct {
			double uptime_ms;
			uint32_t free_bytes, cause_bytes;
			char cause[112];
		} note = {0};
		error = thinghz_abort_note(&note);
		printf("%d %.0f %u %.*s\n", error, note.uptime_ms, note.free_bytes,
			(int)note.cause_bytes, note.cause);
	} else if (IS("lasting_size"))
		printf("%u\n", thinghz_lasting_size());
	else if (IS("lasting_write")) {
		memset(bytes, 0x42, sizeof bytes);
		printf("%d\n", thinghz_lasting_write((uint32_t)number, bytes, 4));
	} else if (IS("lasting_read")) {
		memset(bytes, 0, sizeof bytes);
		error = thinghz_lasting_read((uint32_t)number, bytes, 4);
		printf("%d %02x%02x%02x%02x%02x\n", error, bytes[0], bytes[1], bytes[2],
			bytes[3], bytes[4]);
	} else if (IS("damage_noinit"))
		__start_rtc_noinit[number] ^= 1;
	else if (IS("restart"))
		thinghz_restart();
	else if (IS("xs_abort"))
		esp_restart();
	else if (IS("uptime_ms"))
		printf("%.0f\n", thinghz_uptime_ms());
	else if (IS("retain")) {
		memset(bytes, 0x42, sizeof bytes);
		printf("%d\n", thinghz_retain(bytes, (uint32_t)number));
	} else if (IS("retained")) {
		int32_t length = thinghz_retained_length();
		if (length > 0)
			thinghz_retained(bytes, (uint32_t)length);
		printf("%d %02x\n", length, length > 0 ? bytes[length - 1] : 0);
	} else if (IS("capacity"))
		printf("%u\n", thinghz_retained_capacity());
	else if (IS("damage_rtc"))
		__start_rtc_data[number] ^= 1;
	else if (IS("sleep"))
		thinghz_sleep((double)number);
	else if (IS("on_trial")) {
		error = thinghz_app_on_trial(words);
		printf("%d %u\n", error, words[0]);
	} else if (IS("confirm"))
		printf("%d\n", thinghz_app_confirm());
	else if (IS("roll_back"))
		printf("%d\n", thinghz_app_roll_back());
	else if (IS("slot"))
		printf("%d\n", thinghz_app_slot());
	else if (IS("activate"))
		printf("%d\n", thinghz_app_activate());
	else if (IS("description")) {
		memset(bytes, 0xff, sizeof bytes);
		thinghz_app_description(bytes, (uint32_t)number);
		printf("%u %s %s %02x\n", bytes[4], (char *)bytes + 16,
			(char *)bytes + 48, bytes[256]);
	} else if (IS("watchdog_timeout_ms"))
		printf("%u\n", thinghz_watchdog_timeout_ms());
	else if (IS("feed"))
		printf("%d\n", thinghz_watchdog_feed());
	else if (IS("wifi_watch"))
		printf("%d\n", thinghz_wifi_watch());
	else if (IS("disconnect"))
		disconnect((uint8_t)number);
	else if (IS("wifi_reason"))
		printf("%u\n", thinghz_wifi_reason());
	else if (IS("system_free"))
		printf("%u\n", thinghz_system_free());
	else if (IS("random")) {
		memset(bytes, 0, sizeof bytes);
		thinghz_random(bytes, (uint32_t)number);
		printf("%02x %02x\n", bytes[number - 1], bytes[number]);
	} else if (IS("serial")) {
		memset(bytes, 0, sizeof bytes);
		error = thinghz_serial(bytes);
		printf("%d %02x%02x %02x\n", error, bytes[0], bytes[5], bytes[6]);
	} else {
		fprintf(stderr, "There is no command %s.\n", command);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	char line[256];
	if (argc != 3)
		return 1;
	reason = (esp_reset_reason_t)atoi(argv[1]);
	rtc_file = argv[2];
	load_rtc();
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		char *argument = strchr(line, ' ');
		if (argument != NULL)
			*argument++ = 0;
		if (strcmp(line, "set") == 0) {
			char *value = argument == NULL ? NULL : strchr(argument, ' ');
			if (value == NULL)
				return 1;
			*value++ = 0;
			*setting(argument) = atoll(value);
		} else {
			run(line, argument, argument == NULL ? 0 : atoll(argument));
		}
	}
	end(0);
}
