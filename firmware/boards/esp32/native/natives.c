/*
 * What the node needs of ESP-IDF and Moddable's modules do not give: settings that a loss of power leaves whole, the application slots' trial, deep sleep with a little
 * memory that outlives it, time that counts it, the task watchdog, why the chip was reset, why Wi-Fi let go.
 *
 * Called through Moddable's FFI (the SDK's documentation/xs/XS FFI.md; signatures in manifest.json beside this file). A
 * function that can fail returns the esp_err_t; natives.ts makes an error of it.
 *
 * What survives what:
 *   RTC_DATA_ATTR    a deep sleep. Any other reset loads its initial value anew.
 *   RTC_NOINIT_ATTR  every reset but a loss of power, after which it holds noise: hence the magic. Of `lasting` the node makes
 *                    sure by itself (firmware/node/lasting-layout.ts).
 * Both are section "Memory Types" of the ESP-IDF Programming Guide.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Found by the include paths of the SDK's make.esp32.mk, which does not name all of ESP-IDF's. */
#include "sdkconfig.h"
#include "app_update/include/esp_ota_ops.h"
#include "esp_app_format/include/esp_app_desc.h"
#include "esp_attr.h"
#include "esp_err.h"
#include "esp_event.h"
#include "esp_heap_caps.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_rom_crc.h"
#include "esp_rtc_time.h"
#include "esp_sleep.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "nvs_flash/include/nvs_flash.h"

/* ---- Starts that end too soon ---- */

#define MARK_MAGIC 0x74684d4bu

/* Starts in a row that no power, pin or wake began and that have not stood. */
static RTC_NOINIT_ATTR struct {
	uint32_t magic;
	uint32_t count;
} resets;

enum { RESETS_AT_ONCE = 4, MOST_DOUBLINGS = 8, STANDS_AFTER_MS = 600000 };

/*
 * How long this start waits: no time, unless the board is in a loop of resets, which would empty a battery and wear flash out. Then
 * 1 s, and twice as long each time, up to 256 s.
 */
static int rest_ms(void)
{
	switch (esp_reset_reason()) {
	case ESP_RST_UNKNOWN:
	case ESP_RST_POWERON:
	case ESP_RST_EXT:
	case ESP_RST_USB:
	case ESP_RST_JTAG:
	case ESP_RST_DEEPSLEEP:
		resets.count = 0;
		break;
	default:
		resets.count = resets.magic == MARK_MAGIC ? resets.count + 1 : 1;
	}
	resets.magic = MARK_MAGIC;
	if (resets.count <= RESETS_AT_ONCE)
		return 0;
	uint32_t doublings = resets.count - RESETS_AT_ONCE - 1;
	return 1000 << (doublings < MOST_DOUBLINGS ? doublings : MOST_DOUBLINGS);
}

/* ---- NVS, before the SDK opens it ---- */

static uint32_t settings_erased;

/*
 * The SDK's app_main ends in a panic, and so in a loop of resets, when NVS cannot be opened. It waits for
 * MODDEF_STARTUP_DELAYMS milliseconds before it opens NVS, and that is the only hook before it: the manifest defines it
 * as a call of this function.
 * @return milliseconds to wait
 */
int thinghz_prepare(void)
{
	esp_err_t err = nvs_flash_init();
	if (err == ESP_ERR_NVS_NO_FREE_PAGES ||
		err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
		settings_erased = 1;
		if (nvs_flash_erase() == ESP_OK)
			nvs_flash_init();
	}
	return rest_ms();
}

/* 1 when NVS could not be read at this start and was erased. */
uint32_t thinghz_settings_erased(void)
{
	return settings_erased;
}

/* ---- Settings ---- */

/*
 * Sets a text in NVS, whole or not at all: NVS writes the new entry before it erases the old one, and of two that a loss of power has left
 * it erases the older at the next start (ESP-IDF's components/nvs_flash/src: Storage::writeItem, PageManager::load,
 * Page::mLoadEntryTable). The SDK's `preference` erases the old one first, for another type's sake, and a loss of power in
 * between loses both: whose keys the node has, or how far an update is.
 */
int32_t thinghz_setting_set(char *domain, char *key, char *value)
{
	nvs_handle_t handle;
	esp_err_t err = nvs_open(domain, NVS_READWRITE, &handle);
	if (err != ESP_OK)
		return err;
	err = nvs_set_str(handle, key, value);
	if (err == ESP_OK)
		err = nvs_commit(handle);
	nvs_close(handle);
	return err;
}

/* ---- Why the chip was reset ---- */

/* Order and meaning are those of RESET_REASONS in natives.ts. */
enum {
	REASON_UNKNOWN,
	REASON_POWER_ON,
	REASON_RESTART,
	REASON_CRASH,
	REASON_OUT_OF_MEMORY,
	REASON_STACK_OVERFLOW,
	REASON_WATCHDOG,
	REASON_BROWN_OUT,
	REASON_DEEP_SLEEP,
};

#define NOT_READ 0xffffffffu

static RTC_NOINIT_ATTR struct {
	uint32_t magic;
	uint32_t reason;
} mark;

static uint32_t reset_reason = NOT_READ;

static void set_mark(uint32_t reason)
{
	mark.magic = MARK_MAGIC;
	mark.reason = reason;
}

/*
 * A restart by software is our own, or XS's after it has aborted (fxAbort calls esp_restart). Whoever restarts leaves a
 * mark. Only after a stack overflow XS aborts without calling the hook that marks (fxAbort in the SDK's
 * xs/platforms/esp/xsPlatform.c), so the mark is set to that from the start.
 */
static uint32_t marked_reason(void)
{
	return mark.magic == MARK_MAGIC ? mark.reason : REASON_CRASH;
}

static uint32_t read_reset_reason(void)
{
	switch (esp_reset_reason()) {
	case ESP_RST_POWERON:
		return REASON_POWER_ON;
	case ESP_RST_SW:
		return marked_reason();
	case ESP_RST_EXT:
	case ESP_RST_USB:
	case ESP_RST_JTAG:
		return REASON_RESTART;
	case ESP_RST_PANIC:
	case ESP_RST_CPU_LOCKUP:
		return REASON_CRASH;
	case ESP_RST_INT_WDT:
	case ESP_RST_TASK_WDT:
	case ESP_RST_WDT:
		return REASON_WATCHDOG;
	case ESP_RST_BROWNOUT:
	case ESP_RST_PWR_GLITCH:
		return REASON_BROWN_OUT;
	case ESP_RST_DEEPSLEEP:
		return REASON_DEEP_SLEEP;
	default:
		return REASON_UNKNOWN;
	}
}

/* ---- What was noted of an abort ---- */

#define NOTE_MAGIC 0x74686e74u
#define CAUSE_BYTES 112

/* As natives.ts takes it apart. */
struct abort_note {
	double uptime_ms;
	uint32_t free_bytes;
	uint32_t cause_bytes;
	char cause[CAUSE_BYTES];
};

static RTC_NOINIT_ATTR struct {
	uint32_t magic;
	uint32_t crc;
	struct abort_note note;
} noted;

/* Of the abort that this start comes after. */
static bool is_noted;
static struct abort_note last_note;

static uint32_t crc_of_note(void)
{
	return esp_rom_crc32_le(
		0, (uint8_t const *)&noted.note, sizeof noted.note);
}

/* Once a start, so that none finds the note of another. */
static void take_note(void)
{
	is_noted = esp_reset_reason() == ESP_RST_SW && noted.magic == NOTE_MAGIC &&
		noted.crc == crc_of_note() && noted.note.cause_bytes <= CAUSE_BYTES;
	if (is_noted)
		last_note = noted.note;
	noted.magic = 0;
}

uint32_t thinghz_reset_reason(void)
{
	if (reset_reason == NOT_READ) {
		reset_reason = read_reset_reason();
		set_mark(REASON_STACK_OVERFLOW);
		take_note();
	}
	return reset_reason;
}

static int64_t uptime_us(void);

/*
 * XS is about to abort: `cause` is what fxAbortString says of it, `free_bytes` what its heap has left. It allocates nothing, as memory
 * may be what lacks.
 */
void thinghz_aborting(char *cause, uint32_t free_bytes)
{
	size_t length = strlen(cause);
	set_mark(strcmp(cause, "memory full") == 0 ? REASON_OUT_OF_MEMORY
											   : REASON_CRASH);
	memset(&noted.note, 0, sizeof noted.note);
	noted.note.uptime_ms = (double)(uptime_us() / 1000);
	noted.note.free_bytes = free_bytes;
	noted.note.cause_bytes = length < CAUSE_BYTES ? length : CAUSE_BYTES;
	memcpy(noted.note.cause, cause, noted.note.cause_bytes);
	noted.crc = crc_of_note();
	noted.magic = NOTE_MAGIC;
}

/* Copies the note of the abort that this start comes after. @return ESP_ERR_NOT_FOUND when there is none, or none that is whole */
int32_t thinghz_abort_note(void *into)
{
	thinghz_reset_reason();
	if (!is_noted)
		return ESP_ERR_NOT_FOUND;
	memcpy(into, &last_note, sizeof last_note);
	return ESP_OK;
}

void thinghz_restart(void)
{
	set_mark(REASON_RESTART);
	esp_restart();
}

/* ---- Deep sleep ---- */

#define RETAINED_BYTES 4096
#define RETAINED_MAGIC 0x7468525au

static RTC_DATA_ATTR struct {
	uint32_t magic;
	uint32_t length;
	uint32_t crc;
	uint8_t bytes[RETAINED_BYTES];
} retained;

/* Should the bootloader not find what it starts at a wake, it may start the other image, in whose memory this is elsewhere. */
static RTC_DATA_ATTR struct {
	uint64_t uptime_us;
	uint64_t rtc_us;
	uint32_t crc;
} fell_asleep;

static uint32_t crc_of_fell_asleep(void)
{
	return esp_rom_crc32_le(RETAINED_MAGIC, (uint8_t const *)&fell_asleep,
		offsetof(__typeof__(fell_asleep), crc));
}

static bool uptime_known;
static int64_t slept_us;

static bool woke_from_sleep(void)
{
	return thinghz_reset_reason() == REASON_DEEP_SLEEP;
}

static bool sleep_is_known(void)
{
	return woke_from_sleep() && fell_asleep.crc == crc_of_fell_asleep();
}

/*
 * Microseconds since the boot began that sleeps are a part of. Awake, the crystal counts; asleep, the RTC's oscillator, which is
 * some parts in a thousand off.
 */
static int64_t uptime_us(void)
{
	int64_t now = esp_timer_get_time();
	if (!uptime_known) {
		uptime_known = true;
		if (sleep_is_known()) {
			uint64_t rtc = esp_rtc_get_time_us();
			uint64_t slept =
				rtc > fell_asleep.rtc_us ? rtc - fell_asleep.rtc_us : 0;
			slept_us = (int64_t)(fell_asleep.uptime_us + slept) - now;
		}
	}
	return now + slept_us;
}

double thinghz_uptime_ms(void)
{
	return (double)(uptime_us() / 1000);
}

uint32_t thinghz_retained_capacity(void)
{
	return RETAINED_BYTES;
}

/* Puts `length` bytes where a deep sleep leaves them. @return ESP_ERR_INVALID_SIZE when they are too many */
int32_t thinghz_retain(void *bytes, uint32_t length)
{
	if (length > RETAINED_BYTES)
		return ESP_ERR_INVALID_SIZE;
	retained.magic = 0;
	/* An empty ArrayBuffer may have no address. */
	if (length > 0)
		memcpy(retained.bytes, bytes, length);
	retained.length = length;
	retained.crc = esp_rom_crc32_le(0, retained.bytes, length);
	retained.magic = RETAINED_MAGIC;
	return ESP_OK;
}

/*
 * How many bytes were retained over the sleep that this start woke from; -1 when there was none, they are damaged, or the time that
 * they may speak of does not go on.
 */
int32_t thinghz_retained_length(void)
{
	if (!sleep_is_known() || retained.magic != RETAINED_MAGIC ||
		retained.length > RETAINED_BYTES ||
		retained.crc != esp_rom_crc32_le(0, retained.bytes, retained.length))
		return -1;
	return (int32_t)retained.length;
}

/* Copies up to `length` of the retained bytes. */
void thinghz_retained(void *into, uint32_t length)
{
	if (length > 0)
		memcpy(into, retained.bytes,
			length < RETAINED_BYTES ? length : RETAINED_BYTES);
}

/*
 * Does not return. The radio is stopped first: esp_deep_sleep leaves that to its caller. The wake starts the image that runs now
 * without asking otadata (bootloader_utility_load_boot_image_from_deep_sleep): after an update, restart instead.
 */
void thinghz_sleep(double duration_ms)
{
	/* ESP_ERR_WIFI_NOT_INIT, as on a wake that did not use the radio, is as good as stopped. */
	(void)esp_wifi_stop();
	fell_asleep.uptime_us = (uint64_t)uptime_us();
	fell_asleep.rtc_us = esp_rtc_get_time_us();
	fell_asleep.crc = crc_of_fell_asleep();
	esp_deep_sleep((uint64_t)(duration_ms * 1000.0));
}

/* ---- Memory that outlives resets ---- */

#define LASTING_BYTES 2560

static RTC_NOINIT_ATTR uint8_t lasting[LASTING_BYTES];

uint32_t thinghz_lasting_size(void)
{
	return LASTING_BYTES;
}

static bool is_inside(uint32_t offset, uint32_t length)
{
	return offset <= LASTING_BYTES && length <= LASTING_BYTES - offset;
}

/* @return ESP_ERR_INVALID_SIZE where there is no so much from there on */
int32_t thinghz_lasting_read(uint32_t offset, void *into, uint32_t length)
{
	if (!is_inside(offset, length))
		return ESP_ERR_INVALID_SIZE;
	if (length > 0)
		memcpy(into, lasting + offset, length);
	return ESP_OK;
}

/* @return as of thinghz_lasting_read */
int32_t thinghz_lasting_write(uint32_t offset, void *bytes, uint32_t length)
{
	if (!is_inside(offset, length))
		return ESP_ERR_INVALID_SIZE;
	if (length > 0)
		memcpy(lasting + offset, bytes, length);
	return ESP_OK;
}

/* ---- Application slots ---- */

/* `on_trial[0]`: 1 when the running image goes back unless it is confirmed. */
int32_t thinghz_app_on_trial(uint32_t *on_trial)
{
	esp_ota_img_states_t state;
	const esp_partition_t *running = esp_ota_get_running_partition();
	*on_trial = 0;
	if (running == NULL)
		return ESP_ERR_NOT_FOUND;
	esp_err_t err = esp_ota_get_state_partition(running, &state);
	/* The bootloader records an image that was flashed by cable as valid when it first starts it: until then there is none. */
	if (err == ESP_ERR_NOT_FOUND || err == ESP_ERR_NOT_SUPPORTED)
		return ESP_OK;
	if (err == ESP_OK)
		*on_trial = state == ESP_OTA_IMG_PENDING_VERIFY;
	return err;
}

int32_t thinghz_app_confirm(void)
{
	return esp_ota_mark_app_valid_cancel_rollback();
}

/* Returns only when it failed. */
int32_t thinghz_app_roll_back(void)
{
	set_mark(REASON_RESTART);
	esp_err_t err = esp_ota_mark_app_invalid_rollback_and_reboot();
	set_mark(REASON_STACK_OVERFLOW);
	return err;
}

/* The number of the slot that runs: 0 for ota_0. -1 when the image is in none. */
int32_t thinghz_app_slot(void)
{
	const esp_partition_t *running = esp_ota_get_running_partition();
	if (running == NULL || running->type != ESP_PARTITION_TYPE_APP ||
		running->subtype < ESP_PARTITION_SUBTYPE_APP_OTA_MIN)
		return -1;
	return (int32_t)(running->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_MIN);
}

/* Has the bootloader start the other slot next, on trial: ESP-IDF validates the image in it first. */
int32_t thinghz_app_activate(void)
{
	const esp_partition_t *next = esp_ota_get_next_update_partition(NULL);
	if (next == NULL)
		return ESP_ERR_NOT_FOUND;
	return esp_ota_set_boot_partition(next);
}

/* Copies up to `length` bytes of the running image's esp_app_desc_t. */
void thinghz_app_description(void *into, uint32_t length)
{
	const esp_app_desc_t *description = esp_app_get_description();
	memcpy(into, description,
		length < sizeof *description ? length : sizeof *description);
}

/* ---- Watchdog ---- */

static esp_task_wdt_user_handle_t watchdog;

/* What sdkconfig says; the SDK's loop feeds for its own task each turn, even when no timer of ours fires any more. */
uint32_t thinghz_watchdog_timeout_ms(void)
{
	return CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000;
}

/* The first feeding subscribes: from then on the board is reset when the next does not come in time. */
int32_t thinghz_watchdog_feed(void)
{
	if (esp_timer_get_time() / 1000 >= STANDS_AFTER_MS)
		resets.count = 0;
	if (watchdog == NULL)
		return esp_task_wdt_add_user("node", &watchdog);
	return esp_task_wdt_reset_user(watchdog);
}

/* ---- Wi-Fi ---- */

static volatile uint32_t wifi_reason;

static void on_wifi_event(
	void *arg, esp_event_base_t base, int32_t id, void *data)
{
	(void)arg;
	(void)base;
	if (id == WIFI_EVENT_STA_DISCONNECTED)
		wifi_reason = ((wifi_event_sta_disconnected_t *)data)->reason;
}

/*
 * Keeps the reason of each disconnect. To be called before the SDK's Wi-Fi is made: handlers of the same kind run in the order in
 * which they were registered, and the SDK's own tells JavaScript of the event.
 */
int32_t thinghz_wifi_watch(void)
{
	esp_err_t err = esp_event_loop_create_default();
	if (err != ESP_OK && err != ESP_ERR_INVALID_STATE)
		return err;
	return esp_event_handler_register(
		WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi_event, NULL);
}

/* wifi_err_reason_t of the last disconnect; 0 when there was none since this was last asked. */
uint32_t thinghz_wifi_reason(void)
{
	uint32_t reason = wifi_reason;
	wifi_reason = 0;
	return reason;
}

/* ---- Heap and chance ---- */

/* Bytes that the system's heap has free, for the radio and for XS where that grows. */
uint32_t thinghz_system_free(void)
{
	return (uint32_t)heap_caps_get_free_size(MALLOC_CAP_8BIT);
}

/* Unpredictable while the radio is on; without it, seeded from the bootloader's noise. */
void thinghz_random(void *into, uint32_t length)
{
	esp_fill_random(into, length);
}

/* The chip's own number, 6 bytes: the MAC address that it was made with. */
int32_t thinghz_serial(uint8_t *into)
{
	return esp_efuse_mac_get_default(into);
}
