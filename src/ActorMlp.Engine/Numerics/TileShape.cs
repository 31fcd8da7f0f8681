namespace ActorMlp.Engine.Numerics;

/// <summary>Where a tile's chains begin.</summary>
internal enum TileStart
{
    /// <summary>At +0.</summary>
    Zero,

    /// <summary>At the row's bias.</summary>
    Bias,

    /// <summary>Where the chain was left off, in the result.</summary>
    Stored,
}

/// <summary>What tiles of one product share: lengths and distances, in floats.</summary>
internal struct TileShape
{
    /// <summary>Number of terms of each chain.</summary>
    public int Length;

    /// <summary>Terms before the first hop of the broadcast operand; later segments have 16.</summary>
    public int FirstSegment;

    /// <summary>What the broadcast operand's pointer is moved by after each segment.</summary>
    public nint Hop;

    /// <summary>What rows from <see cref="IStride.Split"/> on lie further in the broadcast operand.</summary>
    public nint Jump;

    /// <summary>
    /// How far ahead the broadcast operand is fetched into the cache, 0 for not: the next tile reads half a kilobyte from each of many far
    /// apart blocks, which the hardware does not guess.
    /// </summary>
    public nint Ahead;

    /// <summary>From the first to the second vector of the streamed operand.</summary>
    public nint SecondB;

    /// <summary>From the first to the second vector of the result.</summary>
    public nint SecondC;

    /// <summary>Whether the finished chain is added to what the result holds (left operand) instead of replacing it.</summary>
    public bool AddToStored;
}

/// <summary>The distances between elements of the broadcast operand, as constants to the compiler.</summary>
internal interface IStride
{
    /// <summary>Between rows of the tile.</summary>
    static abstract int Row { get; }

    /// <summary>Between terms of a chain.</summary>
    static abstract int Step { get; }

    /// <summary>The first row of the tile that lies in the next panel, <see cref="TileShape.Jump"/> further; 8 for none.</summary>
    static virtual int Split => 8;
}

/// <summary>Rows of the tile are neighbours, terms lie a block apart: units of a weight panel, summed over inputs.</summary>
internal readonly struct AcrossPanel : IStride
{
    public static int Row => 1;

    public static int Step => 16;
}

/// <summary>As <see cref="AcrossPanel"/>, the last two of six rows in the next panel.</summary>
internal readonly struct AcrossPanelsFourTwo : IStride
{
    public static int Row => 1;

    public static int Step => 16;

    public static int Split => 4;
}

/// <summary>As <see cref="AcrossPanel"/>, the last four of six rows in the next panel.</summary>
internal readonly struct AcrossPanelsTwoFour : IStride
{
    public static int Row => 1;

    public static int Step => 16;

    public static int Split => 2;
}

/// <summary>Terms are neighbours, rows lie a block apart: inputs, summed over the units or rows of a block.</summary>
internal readonly struct AlongPanel : IStride
{
    public static int Row => 16;

    public static int Step => 1;
}

/// <summary>Whether a tile is one or two vectors wide.</summary>
internal interface IColumns
{
    static abstract bool Two { get; }
}

/// <summary>One vector.</summary>
internal readonly struct OneColumn : IColumns
{
    public static bool Two => false;
}

/// <summary>Two vectors.</summary>
internal readonly struct TwoColumns : IColumns
{
    public static bool Two => true;
}

/// <summary>Where a tile's chains begin, as a constant to the compiler.</summary>
internal interface IStart
{
    static abstract TileStart From { get; }
}

/// <summary>At +0.</summary>
internal readonly struct FromZero : IStart
{
    public static TileStart From => TileStart.Zero;
}

/// <summary>At the row's bias.</summary>
internal readonly struct FromBias : IStart
{
    public static TileStart From => TileStart.Bias;
}

/// <summary>Where the chain was left off.</summary>
internal readonly struct FromStored : IStart
{
    public static TileStart From => TileStart.Stored;
}

/// <summary>Rows of a tile, as a constant to the compiler.</summary>
internal interface IHeight
{
    static abstract int Rows { get; }
}

/// <summary>Eight rows: 16 chains side by side with two vectors.</summary>
internal readonly struct EightRows : IHeight
{
    public static int Rows => 8;
}

/// <summary>Six rows: 12 chains, as many as 16 registers hold beside their operands.</summary>
internal readonly struct SixRows : IHeight
{
    public static int Rows => 6;
}

/// <summary>Five rows: 16 units are 6 + 5 + 5 where 16 registers allow no more than six.</summary>
internal readonly struct FiveRows : IHeight
{
    public static int Rows => 5;
}

/// <summary>Four rows: the half of eight.</summary>
internal readonly struct FourRows : IHeight
{
    public static int Rows => 4;
}

/// <summary>One row: what is left.</summary>
internal readonly struct OneRow : IHeight
{
    public static int Rows => 1;
}
