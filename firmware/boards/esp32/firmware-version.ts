/** From the root manifest, which a test holds to package.json. */
import config from "mc/config";

export const FIRMWARE_VERSION = String(config.firmwareVersion);
