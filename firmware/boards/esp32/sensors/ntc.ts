/** From an ADC's reading of a voltage divider to the temperature of the thermistor in it. */

/** A resistor and a thermistor between supply and ground, the ADC's pin between them. */
export interface Divider {
	readonly supplyMillivolts: number;
	readonly seriesOhms: number;
	/** The thermistor's side: "ground" with the resistor at the supply, or "supply" with the resistor at ground. */
	readonly side: "ground" | "supply";
}

/** How resistance follows temperature. */
export type Curve =
	/** R = R25 · exp(β · (1/T − 1/298.15 K)) */
	| { readonly beta: number; readonly nominalOhms: number }
	/** Steinhart–Hart: 1/T = a + b · ln R + c · (ln R)³, in K and Ω */
	| { readonly steinhart: readonly [a: number, b: number, c: number] };

const ZERO_CELSIUS_K = 273.15;
const NOMINAL_K = ZERO_CELSIUS_K + 25;

/** The thermistor's resistance in Ω; NaN when the divider cannot give that voltage. */
export function thermistorOhms(millivolts: number, divider: Divider): number {
	const { supplyMillivolts, seriesOhms, side } = divider;
	if (!(millivolts > 0 && millivolts < supplyMillivolts)) return Number.NaN;
	const ratio = millivolts / (supplyMillivolts - millivolts);
	return side === "ground" ? seriesOhms * ratio : seriesOhms / ratio;
}

/** °C; NaN where the curve has no temperature for that resistance. */
export function thermistorCelsius(ohms: number, curve: Curve): number {
	if (!(ohms > 0)) return Number.NaN;
	const kelvin = 1 / reciprocalKelvin(ohms, curve);
	return kelvin > 0 && kelvin < Number.POSITIVE_INFINITY
		? kelvin - ZERO_CELSIUS_K
		: Number.NaN;
}

function reciprocalKelvin(ohms: number, curve: Curve): number {
	if ("beta" in curve)
		return 1 / NOMINAL_K + Math.log(ohms / curve.nominalOhms) / curve.beta;
	const [a, b, c] = curve.steinhart;
	const ln = Math.log(ohms);
	return a + b * ln + c * ln ** 3;
}
