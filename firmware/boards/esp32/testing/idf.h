/*
 * As much of ESP-IDF 6.0 as native/natives.c uses, so that the natives can be compiled and run on the machine of the tests.
 * testing/idf.c stands in for the chip. The headers named below are in ESP-IDF's components; test/moddable/esp-idf.test.ts compiles
 * these declarations beside the real ones (v6.0: they agree).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sdkconfig.h: as sdkconfig/sdkconfig.defaults sets it */
#define CONFIG_ESP_TASK_WDT_TIMEOUT_S 60

/* esp_common/include/esp_attr.h: sections that the stand-in keeps over resets as the RTC does */
#define RTC_DATA_ATTR __attribute__((section("rtc_data")))
#define RTC_NOINIT_ATTR __attribute__((section("rtc_noinit")))

/* esp_common/include/esp_err.h */
typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL -1
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_ARG 0x102
#define ESP_ERR_INVALID_STATE 0x103
#define ESP_ERR_INVALID_SIZE 0x104
#define ESP_ERR_NOT_FOUND 0x105
#define ESP_ERR_NOT_SUPPORTED 0x106

/* esp_event/include/esp_event.h; esp_wifi/include/esp_wifi.h, esp_wifi_types_generic.h */
typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *event_handler_arg,
	esp_event_base_t event_base, int32_t event_id, void *event_data);
#define ESP_EVENT_ANY_ID -1
extern esp_event_base_t const WIFI_EVENT;
enum { WIFI_EVENT_STA_CONNECTED = 4, WIFI_EVENT_STA_DISCONNECTED = 5 };
typedef struct {
	uint8_t ssid[32];
	uint8_t ssid_len;
	uint8_t bssid[6];
	uint8_t reason;
	int8_t rssi;
} wifi_event_sta_disconnected_t;
esp_err_t esp_event_loop_create_default(void);
esp_err_t esp_event_handler_register(esp_event_base_t event_base,
	int32_t event_id, esp_event_handler_t event_handler,
	void *event_handler_arg);
esp_err_t esp_wifi_stop(void);

/* heap/include/esp_heap_caps.h */
#define MALLOC_CAP_8BIT (1 << 2)
size_t heap_caps_get_free_size(uint32_t caps);

/* esp_partition/include/esp_partition.h; of esp_partition_t some members */
enum { ESP_PARTITION_TYPE_APP = 0 };
enum { ESP_PARTITION_SUBTYPE_APP_OTA_MIN = 0x10 };
typedef struct {
	int type;
	int subtype;
	char label[17];
} esp_partition_t;

/* esp_app_format/include/esp_app_desc.h */
typedef struct {
	uint32_t magic_word;
	uint32_t secure_version;
	uint32_t reserv1[2];
	char version[32];
	char project_name[32];
	uint8_t rest[160];
} esp_app_desc_t;
const esp_app_desc_t *esp_app_get_description(void);

/* app_update/include/esp_ota_ops.h; bootloader_support/include/esp_flash_partitions.h */
typedef enum {
	ESP_OTA_IMG_NEW = 0,
	ESP_OTA_IMG_PENDING_VERIFY = 1,
	ESP_OTA_IMG_VALID = 2,
	ESP_OTA_IMG_INVALID = 3,
	ESP_OTA_IMG_ABORTED = 4,
	ESP_OTA_IMG_UNDEFINED = 0xffffffffu,
} esp_ota_img_states_t;
const esp_partition_t *esp_ota_get_running_partition(void);
esp_err_t esp_ota_get_state_partition(
	const esp_partition_t *partition, esp_ota_img_states_t *ota_state);
esp_err_t esp_ota_mark_app_valid_cancel_rollback(void);
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot(void);
const esp_partition_t *esp_ota_get_next_update_partition(
	const esp_partition_t *start_from);
esp_err_t esp_ota_set_boot_partition(const esp_partition_t *partition);

/* esp_hw_support/include/esp_random.h, esp_rtc_time.h; esp_rom/include/esp_rom_crc.h; esp_timer/include/esp_timer.h */
void esp_fill_random(void *buf, size_t len);
/* esp_hw_support/include/esp_mac.h */
esp_err_t esp_efuse_mac_get_default(uint8_t *mac);
uint32_t esp_rom_crc32_le(uint32_t crc, uint8_t const *buf, uint32_t len);
uint64_t esp_rtc_get_time_us(void);
int64_t esp_timer_get_time(void);

/* esp_hw_support/include/esp_sleep.h; esp_system/include/esp_system.h */
void esp_deep_sleep(uint64_t time_in_us) __attribute__((noreturn));
void esp_restart(void) __attribute__((noreturn));
typedef enum {
	ESP_RST_UNKNOWN,
	ESP_RST_POWERON,
	ESP_RST_EXT,
	ESP_RST_SW,
	ESP_RST_PANIC,
	ESP_RST_INT_WDT,
	ESP_RST_TASK_WDT,
	ESP_RST_WDT,
	ESP_RST_DEEPSLEEP,
	ESP_RST_BROWNOUT,
	ESP_RST_SDIO,
	ESP_RST_USB,
	ESP_RST_JTAG,
	ESP_RST_EFUSE,
	ESP_RST_PWR_GLITCH,
	ESP_RST_CPU_LOCKUP,
} esp_reset_reason_t;
esp_reset_reason_t esp_reset_reason(void);

/* esp_system/include/esp_task_wdt.h */
typedef struct esp_task_wdt_user_handle_s *esp_task_wdt_user_handle_t;
esp_err_t esp_task_wdt_add_user(
	const char *user_name, esp_task_wdt_user_handle_t *user_handle_ret);
esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t user_handle);

/* nvs_flash/include/nvs.h, nvs_flash.h */
#define ESP_ERR_NVS_NO_FREE_PAGES 0x110d
#define ESP_ERR_NVS_NEW_VERSION_FOUND 0x1110
esp_err_t nvs_flash_init(void);
esp_err_t nvs_flash_erase(void);
typedef uint32_t nvs_handle_t;
typedef enum { NVS_READONLY, NVS_READWRITE } nvs_open_mode_t;
esp_err_t nvs_open(const char *namespace_name, nvs_open_mode_t open_mode,
	nvs_handle_t *out_handle);
esp_err_t nvs_set_str(nvs_handle_t handle, const char *key, const char *value);
esp_err_t nvs_commit(nvs_handle_t handle);
void nvs_close(nvs_handle_t handle);
