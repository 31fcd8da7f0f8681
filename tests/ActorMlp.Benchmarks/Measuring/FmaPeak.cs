using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ActorMlp.Engine.Numerics;

namespace ActorMlp.Benchmarks.Measuring;

/// <summary>The bound of every product: fused multiply-adds of one thread on registers alone, at the width of the kernels in use.</summary>
internal static unsafe class FmaPeak
{
    private const int Repeats = 20_000;
    private const int Chains = 12;

    /// <summary>FLOPs of one call are 2 · lanes · chains · repeats.</summary>
    public static Contender For(KernelSet kernels) => kernels switch
    {
        Kernels<Lanes512, Vector512<float>, Vector512<uint>> => Make<Lanes512, Vector512<float>, Vector512<uint>>(),
        Kernels<Lanes256, Vector256<float>, Vector256<uint>> => Make<Lanes256, Vector256<float>, Vector256<uint>>(),
        Kernels<Lanes128, Vector128<float>, Vector128<uint>> => Make<Lanes128, Vector128<float>, Vector128<uint>>(),
        _ => Make<LanesScalar, float, uint>(),
    };

    private static Contender Make<TLanes, TFloat, TWord>()
        where TLanes : struct, ILanes<TFloat, TWord>
        where TFloat : unmanaged
        where TWord : unmanaged
    {
        var sink = new AlignedBuffer(Chains * KernelSet.Lane);
        return new Contender("FMA peak", 2.0 * TLanes.Width * Chains * Repeats, () => Chain<TLanes, TFloat, TWord>(sink.Region.Pointer));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chain<TLanes, TFloat, TWord>(float* sink)
        where TLanes : struct, ILanes<TFloat, TWord>
        where TFloat : unmanaged
        where TWord : unmanaged
    {
        TFloat a = TLanes.Broadcast(0.5f), b = TLanes.Load(sink);
        TFloat c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
        for (int i = 0; i < Repeats; i++)
        {
            c0 = TLanes.MultiplyAdd(a, b, c0);
            c1 = TLanes.MultiplyAdd(a, b, c1);
            c2 = TLanes.MultiplyAdd(a, b, c2);
            c3 = TLanes.MultiplyAdd(a, b, c3);
            c4 = TLanes.MultiplyAdd(a, b, c4);
            c5 = TLanes.MultiplyAdd(a, b, c5);
            c6 = TLanes.MultiplyAdd(a, b, c6);
            c7 = TLanes.MultiplyAdd(a, b, c7);
            c8 = TLanes.MultiplyAdd(a, b, c8);
            c9 = TLanes.MultiplyAdd(a, b, c9);
            c10 = TLanes.MultiplyAdd(a, b, c10);
            c11 = TLanes.MultiplyAdd(a, b, c11);
        }

        TFloat sum = TLanes.Add(TLanes.Add(TLanes.Add(c0, c1), TLanes.Add(c2, c3)), TLanes.Add(TLanes.Add(c4, c5), TLanes.Add(c6, c7)));
        TLanes.Store(sink, TLanes.Add(sum, TLanes.Add(TLanes.Add(c8, c9), TLanes.Add(c10, c11))));
    }
}
