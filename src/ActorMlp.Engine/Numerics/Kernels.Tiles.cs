using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>The register tile of the matrix products: every element of the result is one chain of fused multiply-adds.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <summary>
    /// c[i, v] = start + a(i, 0)·b(0, v) + a(i, 1)·b(1, v) + …, summed in that order, for up to eight rows i by one or two vectors v. Rows of b and c
    /// are blocks of 16 floats; elements of a are broadcast.
    /// </summary>
    /// <remarks>
    /// Rows are written out because the just-in-time compiler keeps only named locals in registers; what a tile has no use for, it leaves out, as the
    /// conditions are constants to it.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<TStride, TStart, THeight, TColumns>(in TileShape shape, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TStart : struct, IStart
        where THeight : struct, IHeight
        where TColumns : struct, IColumns
    {
        nint second = shape.SecondB, secondC = shape.SecondC;
        float* next = a + shape.Jump;
        TFloat c00 = Start<TStart, THeight>(0, c, bias), c01 = TColumns.Two ? Start<TStart, THeight>(0, c + secondC, bias) : c00;
        TFloat c10 = Start<TStart, THeight>(1, c, bias), c11 = TColumns.Two ? Start<TStart, THeight>(1, c + secondC, bias) : c10;
        TFloat c20 = Start<TStart, THeight>(2, c, bias), c21 = TColumns.Two ? Start<TStart, THeight>(2, c + secondC, bias) : c20;
        TFloat c30 = Start<TStart, THeight>(3, c, bias), c31 = TColumns.Two ? Start<TStart, THeight>(3, c + secondC, bias) : c30;
        TFloat c40 = Start<TStart, THeight>(4, c, bias), c41 = TColumns.Two ? Start<TStart, THeight>(4, c + secondC, bias) : c40;
        TFloat c50 = Start<TStart, THeight>(5, c, bias), c51 = TColumns.Two ? Start<TStart, THeight>(5, c + secondC, bias) : c50;
        TFloat c60 = Start<TStart, THeight>(6, c, bias), c61 = TColumns.Two ? Start<TStart, THeight>(6, c + secondC, bias) : c60;
        TFloat c70 = Start<TStart, THeight>(7, c, bias), c71 = TColumns.Two ? Start<TStart, THeight>(7, c + secondC, bias) : c70;
        int left = shape.Length, segment = shape.FirstSegment;
        while (left > 0)
        {
            FetchAhead<TStride, THeight>(a, shape.Ahead);
            float* end = b + Lane * (nint)Math.Min(left, segment);
            left -= segment;
            segment = Lane;
            do
            {
                TFloat b0 = TLanes.Load(b), b1 = TColumns.Two ? TLanes.Load(b + second) : b0;
                TFloat a0 = TLanes.Broadcast(*a);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TColumns.Two ? TLanes.MultiplyAdd(a0, b1, c01) : c00;
                if (THeight.Rows > 1)
                {
                    TFloat a1 = TLanes.Broadcast((TStride.Split <= 1 ? next : a)[1 * TStride.Row]);
                    c10 = TLanes.MultiplyAdd(a1, b0, c10);
                    c11 = TColumns.Two ? TLanes.MultiplyAdd(a1, b1, c11) : c10;
                }

                if (THeight.Rows > 2)
                {
                    TFloat a2 = TLanes.Broadcast((TStride.Split <= 2 ? next : a)[2 * TStride.Row]);
                    c20 = TLanes.MultiplyAdd(a2, b0, c20);
                    c21 = TColumns.Two ? TLanes.MultiplyAdd(a2, b1, c21) : c20;
                }

                if (THeight.Rows > 3)
                {
                    TFloat a3 = TLanes.Broadcast((TStride.Split <= 3 ? next : a)[3 * TStride.Row]);
                    c30 = TLanes.MultiplyAdd(a3, b0, c30);
                    c31 = TColumns.Two ? TLanes.MultiplyAdd(a3, b1, c31) : c30;
                }

                if (THeight.Rows > 4)
                {
                    TFloat a4 = TLanes.Broadcast((TStride.Split <= 4 ? next : a)[4 * TStride.Row]);
                    c40 = TLanes.MultiplyAdd(a4, b0, c40);
                    c41 = TColumns.Two ? TLanes.MultiplyAdd(a4, b1, c41) : c40;
                }

                if (THeight.Rows > 5)
                {
                    TFloat a5 = TLanes.Broadcast((TStride.Split <= 5 ? next : a)[5 * TStride.Row]);
                    c50 = TLanes.MultiplyAdd(a5, b0, c50);
                    c51 = TColumns.Two ? TLanes.MultiplyAdd(a5, b1, c51) : c50;
                }

                if (THeight.Rows > 6)
                {
                    TFloat a6 = TLanes.Broadcast((TStride.Split <= 6 ? next : a)[6 * TStride.Row]);
                    c60 = TLanes.MultiplyAdd(a6, b0, c60);
                    c61 = TColumns.Two ? TLanes.MultiplyAdd(a6, b1, c61) : c60;
                }

                if (THeight.Rows > 7)
                {
                    TFloat a7 = TLanes.Broadcast((TStride.Split <= 7 ? next : a)[7 * TStride.Row]);
                    c70 = TLanes.MultiplyAdd(a7, b0, c70);
                    c71 = TColumns.Two ? TLanes.MultiplyAdd(a7, b1, c71) : c70;
                }

                a += TStride.Step;
                next += TStride.Step;
                b += Lane;
            }
            while (b != end);
            a += shape.Hop;
            next += shape.Hop;
        }

        Finish<THeight, TColumns>(0, shape.AddToStored, c, secondC, c00, c01);
        Finish<THeight, TColumns>(1, shape.AddToStored, c, secondC, c10, c11);
        Finish<THeight, TColumns>(2, shape.AddToStored, c, secondC, c20, c21);
        Finish<THeight, TColumns>(3, shape.AddToStored, c, secondC, c30, c31);
        Finish<THeight, TColumns>(4, shape.AddToStored, c, secondC, c40, c41);
        Finish<THeight, TColumns>(5, shape.AddToStored, c, secondC, c50, c51);
        Finish<THeight, TColumns>(6, shape.AddToStored, c, secondC, c60, c61);
        Finish<THeight, TColumns>(7, shape.AddToStored, c, secondC, c70, c71);
    }

    /// <summary>Where a row's chain begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Start<TStart, THeight>(int row, float* c, float* bias)
        where TStart : struct, IStart
        where THeight : struct, IHeight
    {
        if (row >= THeight.Rows || TStart.From == TileStart.Zero)
        {
            return TLanes.Broadcast(0f);
        }

        return TStart.From == TileStart.Bias ? TLanes.Broadcast(bias[row]) : TLanes.Load(c + row * Lane);
    }

    /// <summary>Stores a finished row, or adds it to the left operand that the result holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<THeight, TColumns>(int row, bool addToStored, float* c, nint secondC, TFloat first, TFloat second)
        where THeight : struct, IHeight
        where TColumns : struct, IColumns
    {
        if (row >= THeight.Rows)
        {
            return;
        }

        c += row * Lane;
        if (addToStored)
        {
            first = TLanes.Add(TLanes.Load(c), first);
            second = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC), second) : first;
        }

        TLanes.Store(c, first);
        if (TColumns.Two)
        {
            TLanes.Store(c + secondC, second);
        }
    }

    /// <summary>Fetches one line of each row of the next tile; a line is what a segment of a chain reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchAhead<TStride, THeight>(float* a, nint ahead)
        where TStride : struct, IStride
        where THeight : struct, IHeight
    {
        if (TStride.Step == 1 && ahead != 0 && Sse.IsSupported)
        {
            for (int row = 0; row < THeight.Rows; row++)
            {
                Sse.Prefetch0(a + ahead + row * TStride.Row);
            }
        }
    }
}
