/** The registers of the weather chip, for its driver and for the chip made of software. */
export const WeatherRegister = Object.freeze({
	IDENTITY: 0x00,
	/** What IDENTITY reads. */
	IDENTITY_VALUE: 0x57,
	/** Three little-endian int32: temperature in 0.01 °C, pressure in Pa, wind speed in 0.01 m/s. Reading it measures. */
	READING: 0x10,
	READING_BYTES: 12,
} as const);
