export declare function written(text: string): (...args: never[]) => unknown
export declare function writtenInModule(text: string): (...args: never[]) => unknown
