using System.Runtime.CompilerServices;

namespace ActorMlp.Engine.Numerics;

/// <summary>Outputs, losses and their gradients on one block of 16 rows, <c>[units][16]</c>; sums run over units ascending.</summary>
internal sealed unsafe partial class Kernels<TLanes, TFloat, TWord>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void ArgMax(FloatRegion values, int units, Span<uint> result)
    {
        fixed (uint* destination = result)
        {
            for (int v = 0; v < Lane; v += TLanes.Width)
            {
                float* column = values.Pointer + v;
                TFloat most = TLanes.Load(column);
                TWord where = TLanes.BroadcastWord(0);
                for (int unit = 1; unit < units; unit++)
                {
                    TFloat value = TLanes.Load(column + unit * Lane);
                    TWord larger = TLanes.Greater(value, most);
                    most = TLanes.Select(larger, value, most);
                    where = TLanes.SelectWords(larger, TLanes.BroadcastWord((uint)unit), where);
                }

                TLanes.StoreWords(destination + v, where);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Softmax(FloatRegion z, int units, FloatRegion p)
    {
        for (int v = 0; v < Lane; v += TLanes.Width)
        {
            Exponentials(z.Pointer + v, p.Pointer + v, units, out _, out TFloat sum);
            for (int unit = 0; unit < units; unit++)
            {
                float* at = p.Pointer + unit * Lane + v;
                TLanes.Store(at, TLanes.Divide(TLanes.Load(at), sum));
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SoftmaxLoss(FloatRegion z, int units, ReadOnlySpan<uint> labels, FloatRegion dz, Span<float> loss)
    {
        fixed (uint* label = labels)
        fixed (float* rowLoss = loss)
        {
            for (int v = 0; v < Lane; v += TLanes.Width)
            {
                TWord wanted = TLanes.LoadWords(label + v);
                TFloat one = TLanes.Broadcast(1f), zero = TLanes.Broadcast(0f), picked = zero;
                for (int unit = 0; unit < units; unit++)
                {
                    TWord hit = TLanes.EqualWords(wanted, TLanes.BroadcastWord((uint)unit));
                    picked = TLanes.Select(hit, TLanes.Load(z.Pointer + unit * Lane + v), picked);
                }

                Exponentials(z.Pointer + v, dz.Pointer + v, units, out TFloat most, out TFloat sum);
                TFloat log = Elementary<TLanes, TFloat, TWord>.Log(sum);
                TLanes.Store(rowLoss + v, TLanes.Subtract(log, TLanes.Subtract(picked, most)));
                for (int unit = 0; unit < units; unit++)
                {
                    float* at = dz.Pointer + unit * Lane + v;
                    TWord hit = TLanes.EqualWords(wanted, TLanes.BroadcastWord((uint)unit));
                    TFloat p = TLanes.Divide(TLanes.Load(at), sum);
                    TLanes.Store(at, TLanes.Subtract(p, TLanes.Select(hit, one, zero)));
                }
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void LogisticLoss(FloatRegion z, FloatRegion targets, int units, FloatRegion dz, Span<float> loss)
    {
        fixed (float* rowLoss = loss)
        {
            for (int v = 0; v < Lane; v += TLanes.Width)
            {
                TFloat zero = TLanes.Broadcast(0f), sum = zero;
                for (int unit = 0; unit < units; unit++)
                {
                    int at = unit * Lane + v;
                    TFloat logit = TLanes.Load(z.Pointer + at), target = TLanes.Load(targets.Pointer + at);
                    TFloat positive = TLanes.Select(TLanes.Greater(zero, logit), zero, logit);
                    TFloat e = Elementary<TLanes, TFloat, TWord>.Exp(Elementary<TLanes, TFloat, TWord>.MinusMagnitude(logit));

                    // max(z, 0) - z·t is exact at t = 0 and 1, so the small logarithm keeps its digits.
                    TFloat linear = TLanes.MultiplyAdd(TLanes.Subtract(zero, logit), target, positive);
                    sum = TLanes.Add(sum, TLanes.Add(linear, Elementary<TLanes, TFloat, TWord>.LogOnePlus(e)));
                    TFloat p = Elementary<TLanes, TFloat, TWord>.Sigmoid(logit);
                    TLanes.Store(dz.Pointer + at, TLanes.Subtract(p, target));
                }

                TLanes.Store(rowLoss + v, sum);
            }
        }
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void SquaredLoss(FloatRegion y, FloatRegion targets, int units, FloatRegion dy, Span<float> loss)
    {
        fixed (float* rowLoss = loss)
        {
            TFloat share = TLanes.Broadcast((float)(1.0 / units)), twice = TLanes.Broadcast((float)(2.0 / units));
            for (int v = 0; v < Lane; v += TLanes.Width)
            {
                TFloat sum = TLanes.Broadcast(0f);
                for (int unit = 0; unit < units; unit++)
                {
                    int at = unit * Lane + v;
                    TFloat error = TLanes.Subtract(TLanes.Load(y.Pointer + at), TLanes.Load(targets.Pointer + at));
                    sum = TLanes.MultiplyAdd(error, error, sum);
                    TLanes.Store(dy.Pointer + at, TLanes.Multiply(twice, error));
                }

                TLanes.Store(rowLoss + v, TLanes.Multiply(share, sum));
            }
        }
    }

    /// <summary>e_j = exp(z_j - max z) for one vector of rows, and their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exponentials(float* z, float* e, int units, out TFloat most, out TFloat sum)
    {
        most = TLanes.Load(z);
        for (int unit = 1; unit < units; unit++)
        {
            TFloat value = TLanes.Load(z + unit * Lane);
            most = TLanes.Select(TLanes.Greater(value, most), value, most);
        }

        sum = TLanes.Broadcast(0f);
        for (int unit = 0; unit < units; unit++)
        {
            TFloat value = Elementary<TLanes, TFloat, TWord>.Exp(TLanes.Subtract(TLanes.Load(z + unit * Lane), most));
            TLanes.Store(e + unit * Lane, value);
            sum = TLanes.Add(sum, value);
        }
    }
}
