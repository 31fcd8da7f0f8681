using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>
/// The one matrix product behind forward, backward and weight gradients: register tiles of up to 6 rows × 2 vectors, vectorised over columns
/// only, never over the summed index. Twelve independent chains hide the latency of the fused multiply-add, so the strict order is free.
/// </summary>
internal static unsafe class Gemm<TSimd, T>
    where TSimd : ISimd<T>
    where T : struct
{
    private const int PanelWidth = 16;
    private const int TileRows = 6;

    public static void Multiply(in GemmArguments g)
    {
        int width = 2 * TSimd.Width;
        if (g.RowsOuter)
        {
            for (int row = 0; row < g.Rows; row += TileRows)
            {
                for (int column = 0; column < g.Panels * PanelWidth; column += width)
                {
                    Tile(g, row, column);
                }
            }
        }
        else
        {
            for (int column = 0; column < g.Panels * PanelWidth; column += width)
            {
                for (int row = 0; row < g.Rows; row += TileRows)
                {
                    Tile(g, row, column);
                }
            }
        }
    }

    /// <summary>Up to 6 rows from <paramref name="row"/>, two vectors from <paramref name="column"/>; the second is missing where a 512-bit pair passes the last panel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile(in GemmArguments g, int row, int column)
    {
        bool pair = column + TSimd.Width < g.Panels * PanelWidth;
        switch (Math.Min(TileRows, g.Rows - row))
        {
            case 1: Chains<Rows1>(g, row, column, pair); break;
            case 2: Chains<Rows2>(g, row, column, pair); break;
            case 3: Chains<Rows3>(g, row, column, pair); break;
            case 4: Chains<Rows4>(g, row, column, pair); break;
            case 5: Chains<Rows5>(g, row, column, pair); break;
            default: Chains<Rows6>(g, row, column, pair); break;
        }
    }

    private static void Chains<TRows>(in GemmArguments g, int row, int column, bool pair)
        where TRows : IRows
    {
        int second = pair ? column + TSimd.Width : column;
        nint panel0 = column / PanelWidth, lane0 = column % PanelWidth;
        nint panel1 = second / PanelWidth, lane1 = second % PanelWidth;
        T start0 = TSimd.Broadcast(0f), start1 = start0;
        if (g.Init != null)
        {
            start0 = TSimd.Load(g.Init + column);
            start1 = TSimd.Load(g.Init + second);
        }

        T c00 = start0, c10 = start0, c20 = start0, c30 = start0, c40 = start0, c50 = start0;
        T c01 = start1, c11 = start1, c21 = start1, c31 = start1, c41 = start1, c51 = start1;
        float* a = g.A + row * g.ARow;
        float* b0 = g.B + panel0 * g.BPanel + lane0;
        float* b1 = g.B + panel1 * g.BPanel + lane1;
        nint aRow = g.ARow, aStep = g.AStep, bStep = g.BStep;
        for (int segment = 0; segment < g.Segments; segment++)
        {
            float* x = a;
            float* y0 = b0;
            float* y1 = b1;
            for (int s = 0; s < g.SegmentLength; s++)
            {
                T v0 = TSimd.Load(y0), v1 = TSimd.Load(y1);
                T u = TSimd.Broadcast(*x);
                c00 = TSimd.FusedMultiplyAdd(u, v0, c00);
                c01 = TSimd.FusedMultiplyAdd(u, v1, c01);
                if (TRows.Count > 1)
                {
                    u = TSimd.Broadcast(x[aRow]);
                    c10 = TSimd.FusedMultiplyAdd(u, v0, c10);
                    c11 = TSimd.FusedMultiplyAdd(u, v1, c11);
                }

                if (TRows.Count > 2)
                {
                    u = TSimd.Broadcast(x[2 * aRow]);
                    c20 = TSimd.FusedMultiplyAdd(u, v0, c20);
                    c21 = TSimd.FusedMultiplyAdd(u, v1, c21);
                }

                if (TRows.Count > 3)
                {
                    u = TSimd.Broadcast(x[3 * aRow]);
                    c30 = TSimd.FusedMultiplyAdd(u, v0, c30);
                    c31 = TSimd.FusedMultiplyAdd(u, v1, c31);
                }

                if (TRows.Count > 4)
                {
                    u = TSimd.Broadcast(x[4 * aRow]);
                    c40 = TSimd.FusedMultiplyAdd(u, v0, c40);
                    c41 = TSimd.FusedMultiplyAdd(u, v1, c41);
                }

                if (TRows.Count > 5)
                {
                    u = TSimd.Broadcast(x[5 * aRow]);
                    c50 = TSimd.FusedMultiplyAdd(u, v0, c50);
                    c51 = TSimd.FusedMultiplyAdd(u, v1, c51);
                }

                x += aStep;
                y0 += bStep;
                y1 += bStep;
            }

            a += g.ASegment;
            b0 += g.BSegment;
            b1 += g.BSegment;
        }

        float* first = g.C + row * g.CRow + panel0 * g.CPanel + lane0;
        float* other = g.C + row * g.CRow + panel1 * g.CPanel + lane1;
        Put(c00, c01, first, other, pair, g.AddToC);
        if (TRows.Count > 1)
        {
            Put(c10, c11, first + g.CRow, other + g.CRow, pair, g.AddToC);
        }

        if (TRows.Count > 2)
        {
            Put(c20, c21, first + 2 * g.CRow, other + 2 * g.CRow, pair, g.AddToC);
        }

        if (TRows.Count > 3)
        {
            Put(c30, c31, first + 3 * g.CRow, other + 3 * g.CRow, pair, g.AddToC);
        }

        if (TRows.Count > 4)
        {
            Put(c40, c41, first + 4 * g.CRow, other + 4 * g.CRow, pair, g.AddToC);
        }

        if (TRows.Count > 5)
        {
            Put(c50, c51, first + 5 * g.CRow, other + 5 * g.CRow, pair, g.AddToC);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T value0, T value1, float* first, float* other, bool pair, bool add)
    {
        TSimd.Store(add ? TSimd.Add(TSimd.Load(first), value0) : value0, first);
        if (pair)
        {
            TSimd.Store(add ? TSimd.Add(TSimd.Load(other), value1) : value1, other);
        }
    }

    private interface IRows
    {
        static abstract int Count { get; }
    }

    private readonly struct Rows1 : IRows
    {
        public static int Count => 1;
    }

    private readonly struct Rows2 : IRows
    {
        public static int Count => 2;
    }

    private readonly struct Rows3 : IRows
    {
        public static int Count => 3;
    }

    private readonly struct Rows4 : IRows
    {
        public static int Count => 4;
    }

    private readonly struct Rows5 : IRows
    {
        public static int Count => 5;
    }

    private readonly struct Rows6 : IRows
    {
        public static int Count => 6;
    }
}
