using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ActorMlp.Engine.Numerics;

/// <summary>The register tiles of the matrix products: every element of the result is one chain of fused multiply-adds.</summary>
/// <remarks>
/// c[i, v] = start + a(i, 0)·b(0, v) + a(i, 1)·b(1, v) + …, summed in that order. Rows of b and c are blocks of 16 floats; elements of
/// a are broadcast. The rows are written out because the just-in-time compiler keeps only named locals in registers.
/// </remarks>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <summary>8 rows by one or two vectors: 16 chains side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8<TStride, TColumns>(in TileShape shape, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TColumns : struct, IColumns
    {
        nint second = shape.SecondB, secondC = shape.SecondC;
        TFloat c00 = Start(shape.Start, c + 0 * Lane, bias, 0), c01 = TColumns.Two ? Start(shape.Start, c + secondC + 0 * Lane, bias, 0) : c00;
        TFloat c10 = Start(shape.Start, c + 1 * Lane, bias, 1), c11 = TColumns.Two ? Start(shape.Start, c + secondC + 1 * Lane, bias, 1) : c10;
        TFloat c20 = Start(shape.Start, c + 2 * Lane, bias, 2), c21 = TColumns.Two ? Start(shape.Start, c + secondC + 2 * Lane, bias, 2) : c20;
        TFloat c30 = Start(shape.Start, c + 3 * Lane, bias, 3), c31 = TColumns.Two ? Start(shape.Start, c + secondC + 3 * Lane, bias, 3) : c30;
        TFloat c40 = Start(shape.Start, c + 4 * Lane, bias, 4), c41 = TColumns.Two ? Start(shape.Start, c + secondC + 4 * Lane, bias, 4) : c40;
        TFloat c50 = Start(shape.Start, c + 5 * Lane, bias, 5), c51 = TColumns.Two ? Start(shape.Start, c + secondC + 5 * Lane, bias, 5) : c50;
        TFloat c60 = Start(shape.Start, c + 6 * Lane, bias, 6), c61 = TColumns.Two ? Start(shape.Start, c + secondC + 6 * Lane, bias, 6) : c60;
        TFloat c70 = Start(shape.Start, c + 7 * Lane, bias, 7), c71 = TColumns.Two ? Start(shape.Start, c + secondC + 7 * Lane, bias, 7) : c70;
        int left = shape.Length, segment = shape.FirstSegment;
        while (left > 0)
        {
            FetchAhead<TStride>(a, shape.Ahead, 8);
            float* end = b + Lane * (nint)Math.Min(left, segment);
            left -= segment;
            segment = Lane;
            do
            {
                TFloat b0 = TLanes.Load(b), b1 = TColumns.Two ? TLanes.Load(b + second) : b0;
                TFloat a0 = TLanes.Broadcast(*a);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TColumns.Two ? TLanes.MultiplyAdd(a0, b1, c01) : c00;
                TFloat a1 = TLanes.Broadcast(a[1 * TStride.Row]);
                c10 = TLanes.MultiplyAdd(a1, b0, c10);
                c11 = TColumns.Two ? TLanes.MultiplyAdd(a1, b1, c11) : c10;
                TFloat a2 = TLanes.Broadcast(a[2 * TStride.Row]);
                c20 = TLanes.MultiplyAdd(a2, b0, c20);
                c21 = TColumns.Two ? TLanes.MultiplyAdd(a2, b1, c21) : c20;
                TFloat a3 = TLanes.Broadcast(a[3 * TStride.Row]);
                c30 = TLanes.MultiplyAdd(a3, b0, c30);
                c31 = TColumns.Two ? TLanes.MultiplyAdd(a3, b1, c31) : c30;
                TFloat a4 = TLanes.Broadcast(a[4 * TStride.Row]);
                c40 = TLanes.MultiplyAdd(a4, b0, c40);
                c41 = TColumns.Two ? TLanes.MultiplyAdd(a4, b1, c41) : c40;
                TFloat a5 = TLanes.Broadcast(a[5 * TStride.Row]);
                c50 = TLanes.MultiplyAdd(a5, b0, c50);
                c51 = TColumns.Two ? TLanes.MultiplyAdd(a5, b1, c51) : c50;
                TFloat a6 = TLanes.Broadcast(a[6 * TStride.Row]);
                c60 = TLanes.MultiplyAdd(a6, b0, c60);
                c61 = TColumns.Two ? TLanes.MultiplyAdd(a6, b1, c61) : c60;
                TFloat a7 = TLanes.Broadcast(a[7 * TStride.Row]);
                c70 = TLanes.MultiplyAdd(a7, b0, c70);
                c71 = TColumns.Two ? TLanes.MultiplyAdd(a7, b1, c71) : c70;
                a += TStride.Step;
                b += Lane;
            }
            while (b != end);
            a += shape.Hop;
        }

        if (shape.AddToStored)
        {
            c00 = TLanes.Add(TLanes.Load(c + 0 * Lane), c00);
            c01 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 0 * Lane), c01) : c00;
            c10 = TLanes.Add(TLanes.Load(c + 1 * Lane), c10);
            c11 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 1 * Lane), c11) : c10;
            c20 = TLanes.Add(TLanes.Load(c + 2 * Lane), c20);
            c21 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 2 * Lane), c21) : c20;
            c30 = TLanes.Add(TLanes.Load(c + 3 * Lane), c30);
            c31 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 3 * Lane), c31) : c30;
            c40 = TLanes.Add(TLanes.Load(c + 4 * Lane), c40);
            c41 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 4 * Lane), c41) : c40;
            c50 = TLanes.Add(TLanes.Load(c + 5 * Lane), c50);
            c51 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 5 * Lane), c51) : c50;
            c60 = TLanes.Add(TLanes.Load(c + 6 * Lane), c60);
            c61 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 6 * Lane), c61) : c60;
            c70 = TLanes.Add(TLanes.Load(c + 7 * Lane), c70);
            c71 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 7 * Lane), c71) : c70;
        }

        TLanes.Store(c + 0 * Lane, c00);
        TLanes.Store(c + 1 * Lane, c10);
        TLanes.Store(c + 2 * Lane, c20);
        TLanes.Store(c + 3 * Lane, c30);
        TLanes.Store(c + 4 * Lane, c40);
        TLanes.Store(c + 5 * Lane, c50);
        TLanes.Store(c + 6 * Lane, c60);
        TLanes.Store(c + 7 * Lane, c70);
        if (TColumns.Two)
        {
            TLanes.Store(c + secondC + 0 * Lane, c01);
            TLanes.Store(c + secondC + 1 * Lane, c11);
            TLanes.Store(c + secondC + 2 * Lane, c21);
            TLanes.Store(c + secondC + 3 * Lane, c31);
            TLanes.Store(c + secondC + 4 * Lane, c41);
            TLanes.Store(c + secondC + 5 * Lane, c51);
            TLanes.Store(c + secondC + 6 * Lane, c61);
            TLanes.Store(c + secondC + 7 * Lane, c71);
        }
    }

    /// <summary>6 rows by one or two vectors: 12 chains side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6<TStride, TColumns>(in TileShape shape, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TColumns : struct, IColumns
    {
        nint second = shape.SecondB, secondC = shape.SecondC;
        TFloat c00 = Start(shape.Start, c + 0 * Lane, bias, 0), c01 = TColumns.Two ? Start(shape.Start, c + secondC + 0 * Lane, bias, 0) : c00;
        TFloat c10 = Start(shape.Start, c + 1 * Lane, bias, 1), c11 = TColumns.Two ? Start(shape.Start, c + secondC + 1 * Lane, bias, 1) : c10;
        TFloat c20 = Start(shape.Start, c + 2 * Lane, bias, 2), c21 = TColumns.Two ? Start(shape.Start, c + secondC + 2 * Lane, bias, 2) : c20;
        TFloat c30 = Start(shape.Start, c + 3 * Lane, bias, 3), c31 = TColumns.Two ? Start(shape.Start, c + secondC + 3 * Lane, bias, 3) : c30;
        TFloat c40 = Start(shape.Start, c + 4 * Lane, bias, 4), c41 = TColumns.Two ? Start(shape.Start, c + secondC + 4 * Lane, bias, 4) : c40;
        TFloat c50 = Start(shape.Start, c + 5 * Lane, bias, 5), c51 = TColumns.Two ? Start(shape.Start, c + secondC + 5 * Lane, bias, 5) : c50;
        int left = shape.Length, segment = shape.FirstSegment;
        while (left > 0)
        {
            FetchAhead<TStride>(a, shape.Ahead, 6);
            float* end = b + Lane * (nint)Math.Min(left, segment);
            left -= segment;
            segment = Lane;
            do
            {
                TFloat b0 = TLanes.Load(b), b1 = TColumns.Two ? TLanes.Load(b + second) : b0;
                TFloat a0 = TLanes.Broadcast(*a);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TColumns.Two ? TLanes.MultiplyAdd(a0, b1, c01) : c00;
                TFloat a1 = TLanes.Broadcast(a[1 * TStride.Row]);
                c10 = TLanes.MultiplyAdd(a1, b0, c10);
                c11 = TColumns.Two ? TLanes.MultiplyAdd(a1, b1, c11) : c10;
                TFloat a2 = TLanes.Broadcast(a[2 * TStride.Row]);
                c20 = TLanes.MultiplyAdd(a2, b0, c20);
                c21 = TColumns.Two ? TLanes.MultiplyAdd(a2, b1, c21) : c20;
                TFloat a3 = TLanes.Broadcast(a[3 * TStride.Row]);
                c30 = TLanes.MultiplyAdd(a3, b0, c30);
                c31 = TColumns.Two ? TLanes.MultiplyAdd(a3, b1, c31) : c30;
                TFloat a4 = TLanes.Broadcast(a[4 * TStride.Row]);
                c40 = TLanes.MultiplyAdd(a4, b0, c40);
                c41 = TColumns.Two ? TLanes.MultiplyAdd(a4, b1, c41) : c40;
                TFloat a5 = TLanes.Broadcast(a[5 * TStride.Row]);
                c50 = TLanes.MultiplyAdd(a5, b0, c50);
                c51 = TColumns.Two ? TLanes.MultiplyAdd(a5, b1, c51) : c50;
                a += TStride.Step;
                b += Lane;
            }
            while (b != end);
            a += shape.Hop;
        }

        if (shape.AddToStored)
        {
            c00 = TLanes.Add(TLanes.Load(c + 0 * Lane), c00);
            c01 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 0 * Lane), c01) : c00;
            c10 = TLanes.Add(TLanes.Load(c + 1 * Lane), c10);
            c11 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 1 * Lane), c11) : c10;
            c20 = TLanes.Add(TLanes.Load(c + 2 * Lane), c20);
            c21 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 2 * Lane), c21) : c20;
            c30 = TLanes.Add(TLanes.Load(c + 3 * Lane), c30);
            c31 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 3 * Lane), c31) : c30;
            c40 = TLanes.Add(TLanes.Load(c + 4 * Lane), c40);
            c41 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 4 * Lane), c41) : c40;
            c50 = TLanes.Add(TLanes.Load(c + 5 * Lane), c50);
            c51 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 5 * Lane), c51) : c50;
        }

        TLanes.Store(c + 0 * Lane, c00);
        TLanes.Store(c + 1 * Lane, c10);
        TLanes.Store(c + 2 * Lane, c20);
        TLanes.Store(c + 3 * Lane, c30);
        TLanes.Store(c + 4 * Lane, c40);
        TLanes.Store(c + 5 * Lane, c50);
        if (TColumns.Two)
        {
            TLanes.Store(c + secondC + 0 * Lane, c01);
            TLanes.Store(c + secondC + 1 * Lane, c11);
            TLanes.Store(c + secondC + 2 * Lane, c21);
            TLanes.Store(c + secondC + 3 * Lane, c31);
            TLanes.Store(c + secondC + 4 * Lane, c41);
            TLanes.Store(c + secondC + 5 * Lane, c51);
        }
    }

    /// <summary>4 rows by one or two vectors: 8 chains side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4<TStride, TColumns>(in TileShape shape, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TColumns : struct, IColumns
    {
        nint second = shape.SecondB, secondC = shape.SecondC;
        TFloat c00 = Start(shape.Start, c + 0 * Lane, bias, 0), c01 = TColumns.Two ? Start(shape.Start, c + secondC + 0 * Lane, bias, 0) : c00;
        TFloat c10 = Start(shape.Start, c + 1 * Lane, bias, 1), c11 = TColumns.Two ? Start(shape.Start, c + secondC + 1 * Lane, bias, 1) : c10;
        TFloat c20 = Start(shape.Start, c + 2 * Lane, bias, 2), c21 = TColumns.Two ? Start(shape.Start, c + secondC + 2 * Lane, bias, 2) : c20;
        TFloat c30 = Start(shape.Start, c + 3 * Lane, bias, 3), c31 = TColumns.Two ? Start(shape.Start, c + secondC + 3 * Lane, bias, 3) : c30;
        int left = shape.Length, segment = shape.FirstSegment;
        while (left > 0)
        {
            FetchAhead<TStride>(a, shape.Ahead, 4);
            float* end = b + Lane * (nint)Math.Min(left, segment);
            left -= segment;
            segment = Lane;
            do
            {
                TFloat b0 = TLanes.Load(b), b1 = TColumns.Two ? TLanes.Load(b + second) : b0;
                TFloat a0 = TLanes.Broadcast(*a);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TColumns.Two ? TLanes.MultiplyAdd(a0, b1, c01) : c00;
                TFloat a1 = TLanes.Broadcast(a[1 * TStride.Row]);
                c10 = TLanes.MultiplyAdd(a1, b0, c10);
                c11 = TColumns.Two ? TLanes.MultiplyAdd(a1, b1, c11) : c10;
                TFloat a2 = TLanes.Broadcast(a[2 * TStride.Row]);
                c20 = TLanes.MultiplyAdd(a2, b0, c20);
                c21 = TColumns.Two ? TLanes.MultiplyAdd(a2, b1, c21) : c20;
                TFloat a3 = TLanes.Broadcast(a[3 * TStride.Row]);
                c30 = TLanes.MultiplyAdd(a3, b0, c30);
                c31 = TColumns.Two ? TLanes.MultiplyAdd(a3, b1, c31) : c30;
                a += TStride.Step;
                b += Lane;
            }
            while (b != end);
            a += shape.Hop;
        }

        if (shape.AddToStored)
        {
            c00 = TLanes.Add(TLanes.Load(c + 0 * Lane), c00);
            c01 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 0 * Lane), c01) : c00;
            c10 = TLanes.Add(TLanes.Load(c + 1 * Lane), c10);
            c11 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 1 * Lane), c11) : c10;
            c20 = TLanes.Add(TLanes.Load(c + 2 * Lane), c20);
            c21 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 2 * Lane), c21) : c20;
            c30 = TLanes.Add(TLanes.Load(c + 3 * Lane), c30);
            c31 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 3 * Lane), c31) : c30;
        }

        TLanes.Store(c + 0 * Lane, c00);
        TLanes.Store(c + 1 * Lane, c10);
        TLanes.Store(c + 2 * Lane, c20);
        TLanes.Store(c + 3 * Lane, c30);
        if (TColumns.Two)
        {
            TLanes.Store(c + secondC + 0 * Lane, c01);
            TLanes.Store(c + secondC + 1 * Lane, c11);
            TLanes.Store(c + secondC + 2 * Lane, c21);
            TLanes.Store(c + secondC + 3 * Lane, c31);
        }
    }

    /// <summary>1 row by one or two vectors: 2 chains side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1<TStride, TColumns>(in TileShape shape, float* a, float* b, float* c, float* bias)
        where TStride : struct, IStride
        where TColumns : struct, IColumns
    {
        nint second = shape.SecondB, secondC = shape.SecondC;
        TFloat c00 = Start(shape.Start, c + 0 * Lane, bias, 0), c01 = TColumns.Two ? Start(shape.Start, c + secondC + 0 * Lane, bias, 0) : c00;
        int left = shape.Length, segment = shape.FirstSegment;
        while (left > 0)
        {
            FetchAhead<TStride>(a, shape.Ahead, 1);
            float* end = b + Lane * (nint)Math.Min(left, segment);
            left -= segment;
            segment = Lane;
            do
            {
                TFloat b0 = TLanes.Load(b), b1 = TColumns.Two ? TLanes.Load(b + second) : b0;
                TFloat a0 = TLanes.Broadcast(*a);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TColumns.Two ? TLanes.MultiplyAdd(a0, b1, c01) : c00;
                a += TStride.Step;
                b += Lane;
            }
            while (b != end);
            a += shape.Hop;
        }

        if (shape.AddToStored)
        {
            c00 = TLanes.Add(TLanes.Load(c + 0 * Lane), c00);
            c01 = TColumns.Two ? TLanes.Add(TLanes.Load(c + secondC + 0 * Lane), c01) : c00;
        }

        TLanes.Store(c + 0 * Lane, c00);
        if (TColumns.Two)
        {
            TLanes.Store(c + secondC + 0 * Lane, c01);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Start(TileStart start, float* c, float* bias, int row) => start switch
    {
        TileStart.Zero => TLanes.Broadcast(0f),
        TileStart.Bias => TLanes.Broadcast(bias[row]),
        _ => TLanes.Load(c),
    };

    /// <summary>Fetches one line of each row of the next tile; a line is what a segment of a chain reads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchAhead<TStride>(float* a, nint ahead, int rows)
        where TStride : struct, IStride
    {
        if (TStride.Step == 1 && ahead != 0 && Sse.IsSupported)
        {
            for (int row = 0; row < rows; row++)
            {
                Sse.Prefetch0(a + ahead + row * TStride.Row);
            }
        }
    }
}
