using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Products;

/// <summary>
/// X·W as it would be without the promise: each element is the sum of two chains, over even and over odd terms, so that a tile of half the elements
/// has as many chains to hide the latency of an addition behind. Same layout, same walk over tiles.
/// </summary>
internal sealed unsafe class FreeOrderProduct
{
    private const int Lane = KernelSet.Lane;
    private readonly AlignedBuffer weights;
    private readonly AlignedBuffer x;
    private readonly AlignedBuffer z;
    private readonly int rows;
    private readonly int units;
    private readonly int inputs;
    private readonly Action run;

    /// <summary>Rows, units and inputs are multiples of 16, inputs of 32.</summary>
    public FreeOrderProduct(KernelSet kernels, int rows, int units, int inputs)
    {
        (this.rows, this.units, this.inputs) = (rows, units, inputs);
        weights = new AlignedBuffer(units * inputs);
        x = new AlignedBuffer(rows * inputs);
        z = new AlignedBuffer(rows * units);
        weights.Span.Fill(0.5f);
        x.Span.Fill(0.25f);
        run = kernels switch
        {
            Kernels<Lanes512, Vector512<float>, Vector512<uint>> => Walk<Lanes512, Vector512<float>, Vector512<uint>>,
            Kernels<Lanes256, Vector256<float>, Vector256<uint>> => Walk<Lanes256, Vector256<float>, Vector256<uint>>,
            Kernels<Lanes128, Vector128<float>, Vector128<uint>> => Walk<Lanes128, Vector128<float>, Vector128<uint>>,
            _ => Walk<LanesScalar, float, uint>,
        };
    }

    /// <summary>Computes the product.</summary>
    public void Run() => run();

    /// <summary>Throws where the last result is wrong.</summary>
    public void Check()
    {
        foreach (float value in z.Span)
        {
            if (value != 0.125f * inputs)
            {
                throw new InvalidOperationException($"the free-order product gave {value} instead of {0.125f * inputs}");
            }
        }
    }

    private void Walk<TLanes, TFloat, TWord>()
        where TLanes : struct, ILanes<TFloat, TWord>
        where TFloat : unmanaged
        where TWord : unmanaged
    {
        float* w = weights.Region.Pointer, source = x.Region.Pointer, result = z.Region.Pointer;
        int blocks = TLanes.Width == Lane ? 2 : 1;
        for (int block = 0; block < rows / Lane; block += blocks)
        {
            float* b = source + (nint)block * inputs * Lane, c = result + (nint)block * units * Lane;
            nint second = TLanes.Width == Lane ? (nint)inputs * Lane : TLanes.Width;
            nint secondC = TLanes.Width == Lane ? (nint)units * Lane : TLanes.Width;
            for (int unit = 0; unit < units; unit += 4)
            {
                float* a = w + (nint)(unit / Lane) * inputs * Lane + unit % Lane;
                for (int lane = 0; lane < Lane; lane += TLanes.Width == Lane ? Lane : 2 * TLanes.Width)
                {
                    Tile<TLanes, TFloat, TWord>(a, b + lane, second, c + (nint)unit * Lane + lane, secondC);
                }
            }
        }
    }

    /// <summary>Four rows by two vectors by two partial sums: 16 chains.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Tile<TLanes, TFloat, TWord>(float* a, float* b, nint second, float* c, nint secondC)
        where TLanes : struct, ILanes<TFloat, TWord>
        where TFloat : unmanaged
        where TWord : unmanaged
    {
        TFloat zero = TLanes.Broadcast(0f);
        TFloat c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
        TFloat d00 = zero, d01 = zero, d10 = zero, d11 = zero, d20 = zero, d21 = zero, d30 = zero, d31 = zero;
        for (float* end = b + (nint)inputs * Lane; b != end; a += 2 * Lane, b += 2 * Lane)
        {
            TFloat b0 = TLanes.Load(b), b1 = TLanes.Load(b + second), a0 = TLanes.Broadcast(a[0]);
            c00 = TLanes.MultiplyAdd(a0, b0, c00);
            c01 = TLanes.MultiplyAdd(a0, b1, c01);
            TFloat a1 = TLanes.Broadcast(a[1]);
            c10 = TLanes.MultiplyAdd(a1, b0, c10);
            c11 = TLanes.MultiplyAdd(a1, b1, c11);
            TFloat a2 = TLanes.Broadcast(a[2]);
            c20 = TLanes.MultiplyAdd(a2, b0, c20);
            c21 = TLanes.MultiplyAdd(a2, b1, c21);
            TFloat a3 = TLanes.Broadcast(a[3]);
            c30 = TLanes.MultiplyAdd(a3, b0, c30);
            c31 = TLanes.MultiplyAdd(a3, b1, c31);
            TFloat e0 = TLanes.Load(b + Lane), e1 = TLanes.Load(b + Lane + second);
            a0 = TLanes.Broadcast(a[Lane]);
            d00 = TLanes.MultiplyAdd(a0, e0, d00);
            d01 = TLanes.MultiplyAdd(a0, e1, d01);
            a1 = TLanes.Broadcast(a[Lane + 1]);
            d10 = TLanes.MultiplyAdd(a1, e0, d10);
            d11 = TLanes.MultiplyAdd(a1, e1, d11);
            a2 = TLanes.Broadcast(a[Lane + 2]);
            d20 = TLanes.MultiplyAdd(a2, e0, d20);
            d21 = TLanes.MultiplyAdd(a2, e1, d21);
            a3 = TLanes.Broadcast(a[Lane + 3]);
            d30 = TLanes.MultiplyAdd(a3, e0, d30);
            d31 = TLanes.MultiplyAdd(a3, e1, d31);
        }

        TLanes.Store(c, TLanes.Add(c00, d00));
        TLanes.Store(c + secondC, TLanes.Add(c01, d01));
        TLanes.Store(c + Lane, TLanes.Add(c10, d10));
        TLanes.Store(c + Lane + secondC, TLanes.Add(c11, d11));
        TLanes.Store(c + 2 * Lane, TLanes.Add(c20, d20));
        TLanes.Store(c + 2 * Lane + secondC, TLanes.Add(c21, d21));
        TLanes.Store(c + 3 * Lane, TLanes.Add(c30, d30));
        TLanes.Store(c + 3 * Lane + secondC, TLanes.Add(c31, d31));
    }
}
