/** From the root manifest, which a test holds to package.json. */
import config from "mc/config";

export const FIRMWARE_VERSION = String(config.firmwareVersion);

/** Of its release, as year, month and day. */
export const FIRMWARE_DATE = String(config.firmwareDate);
